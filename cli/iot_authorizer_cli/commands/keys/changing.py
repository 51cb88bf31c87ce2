"""Makes signing keys and retires them.

- Each file is written whole or not at all. The private half is written first, the configuration last: a key that the
  configuration names has both halves.
- A key that could not be made leaves no file behind, after an error or Ctrl-C. Only one command at a time may run.
- A key is retired in the opposite order, so that an interrupted retirement can be repeated.
- The private half is in keys/private, which only its owner can read and which git ignores.
"""

import itertools
import os
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from iot_authorizer_cli.commands.keys.signing_table import with_key, without_key
from iot_authorizer_cli.project.key_ring import (
    KeyPair,
    KeyRefused,
    KeyRing,
    check_key_name,
    new_public_file,
    read_key_ring,
)
from iot_core.authorizers.rules import MOST_KEYS
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile

_EXPONENT = 65537


def make_key(config: Path, name: str | None, bits: int) -> KeyPair:
    """Makes a key pair and names it in the configuration. Without a name, it is named after the month.

    Raises InvalidFile, KeyRefused, OSError.
    """
    ring = read_key_ring(config)
    _check_room(ring)
    pair = _unused(ring) if name is None else _new(ring, name)
    changed = with_key(config, pair.name, new_public_file(pair.name))
    key = generate_private_key(_EXPONENT, bits)
    _make_folders(pair)
    try:
        write_whole(pair.private_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        write_whole(pair.public_path, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        _replace(config, changed)
    except BaseException:
        if pair.name not in read_key_ring(config).public_files:
            for path in _existing(pair):
                path.unlink()
        raise
    return pair


def retirable(ring: KeyRing, name: str) -> tuple[Path, ...]:
    """The files that the retirement of a key removes: those that `make_key` wrote for it.

    Raises KeyRefused for a key that the configuration does not name, and for the last one.
    """
    check_key_name(name)
    pair = ring.find(name)
    if list(ring.public_files) == [name]:
        raise KeyRefused(
            f"{name} is the last key, and IoT Core cannot turn signing off for an authorizer: make another key first "
            f"with iot-authorizer keys rotate{ring.option}; to end signing, remove [signing] and deploy: "
            "clients must then use the name without -signed"
        )
    if not _is_own_public(ring, pair):
        return ()
    return (pair.private_path, pair.public_path) if _is_own_private(pair) else (pair.public_path,)


def _is_own_public(ring: KeyRing, pair: KeyPair) -> bool:
    """Whether the public half is a file that `make_key` wrote, and no other key of the configuration uses it."""
    path = pair.public_path
    if ring.public_files[pair.name] != new_public_file(pair.name) or not _is_plain(path):
        return False
    others = (each.public_path for each in ring.pairs if each.name != pair.name)
    try:
        pair.read_public()
    except InvalidFile:  # Something else is there now.
        return False
    return not any(path.samefile(other) for other in others if other.exists())


def _is_own_private(pair: KeyPair) -> bool:
    """Whether the private half is a file that fits the public half."""
    try:
        pair.check_private()
    except InvalidFile:  # It is missing, or another pair's.
        return False
    return _is_plain(pair.private_path)


def _is_plain(path: Path) -> bool:
    """Whether a path is a file and not a link, whose target would stay."""
    return path.is_file() and not path.is_symlink()


def retire_key(config: Path, name: str) -> tuple[Path, ...]:
    """Removes a key from the configuration, then its files. Returns the files that it removed.

    Raises InvalidFile, KeyRefused, OSError.
    """
    ring = read_key_ring(config)
    files = retirable(ring, name)
    changed = without_key(config, name)
    private = [path for path in files if path == ring.find(name).private_path]
    for path in private:
        path.unlink()
    _replace(config, changed)
    for path in files[len(private) :]:
        path.unlink(missing_ok=True)
    return files


def _check_room(ring: KeyRing) -> None:
    if ring.token_key_name is None:
        expected = 'is missing: IoT Core looks for the signed token under it, as in token_key_name = "token"'
        raise InvalidFile(ring.config, None, "token_key_name", expected)
    if ring.is_full:
        command = f"iot-authorizer keys retire{ring.option} {next(iter(ring.public_files))}"
        raise KeyRefused(f"IoT Core takes at most {MOST_KEYS} keys: retire one first, with {command}")


def _unused(ring: KeyRing) -> KeyPair:
    month = time.strftime("%Y-%m")
    names = itertools.chain([month], (f"{month}-{number}" for number in itertools.count(2)))
    return next(pair for pair in map(ring.pair, names) if pair.name not in ring.public_files and not _existing(pair))


def _new(ring: KeyRing, name: str) -> KeyPair:
    check_key_name(name)
    if name in ring.public_files:
        raise KeyRefused(f"{ring.config} already has a key {name}: choose another name")
    pair = ring.pair(name)
    if files := _existing(pair):
        advice = f"choose another name, or remove the file if no other configuration names a key {name}"
        raise KeyRefused(f"{files[0]} already exists: {advice}")
    return pair


def _existing(pair: KeyPair) -> list[Path]:
    return [path for path in (pair.public_path, pair.private_path) if os.path.lexists(path)]


def _make_folders(pair: KeyPair) -> None:
    public, private = pair.public_path.parent, pair.private_path.parent
    for folder in (public, private):
        if folder.is_symlink():  # It may lead to where git looks, and others.
            raise InvalidFile(folder, None, "", "is a link: expected a folder")
    public.mkdir(mode=0o755, exist_ok=True)
    private.mkdir(mode=0o700, exist_ok=True)
    private.chmod(0o700)
    ignored = private / ".gitignore"
    lines = ignored.read_bytes().rstrip(b"\n").split(b"\n") if ignored.exists() else []
    if lines[-1:] != [b"*"] or ignored.is_symlink():  # The last line wins over all others; git follows no link.
        write_whole(ignored, b"\n".join([*filter(None, lines), b"*", b""]))


def _replace(config: Path, content: bytes) -> None:
    """Replaces a configuration, keeping its mode. If it is a link, the file that it leads to is replaced."""
    path = config.resolve()
    write_whole(path, content, mode=path.stat().st_mode & 0o777)
