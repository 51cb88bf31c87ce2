"""Makes signing keys and takes them out of use: all of it, or nothing."""

import contextlib
import fcntl
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from iot_authorizer_cli.signing.folders import KeyFolders
from iot_authorizer_cli.signing.key_pair import KeyPair
from iot_authorizer_cli.signing.key_ring import KeyRefused, KeyRing, check_key_name, new_public_file, read_key_ring
from iot_authorizer_cli.signing.retirement import Retirement, plan_retirement
from iot_authorizer_cli.signing.table import with_key, without_key
from iot_core.authorizers.rules import MOST_KEYS
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile

_EXPONENT = 65537
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def make_key(config: Path, name: str | None, bits: int) -> KeyPair:
    """Makes a key pair and names it in the configuration; unless given, it is named after the month.

    Raises InvalidFile, KeyRefused, OSError. Nothing is left behind then, nor by Ctrl-C.
    """
    if name is not None:
        check_key_name(name)
    with _alone(config):
        ring = read_key_ring(config)
        _check_room(ring)
        ring.folders.check()
        pair = _unused(ring) if name is None else _new(ring, name)
        changed = with_key(config, pair.name, new_public_file(pair.name))
        key = generate_private_key(_EXPONENT, bits)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with _undisturbed():
            ring.folders.make()
            _write(pair, private, public, config, changed)
    return pair


def retire_key(config: Path, name: str) -> Retirement:
    """Takes a key out of the configuration and removes its files; gives what was removed, and what was not.

    Raises InvalidFile, KeyRefused, OSError. What breaks off in the middle is ended by another retirement: the
    configuration names the key until its private half is gone, and its public half is there as long as it is named.
    """
    with _alone(config):
        plan = plan_retirement(read_key_ring(config), name)
        changed = without_key(config, name)
        with _undisturbed():
            if plan.private is not None:
                plan.private.unlink()
            _replace(config, changed)
            if plan.public is not None:
                plan.public.unlink()
    return plan


def _check_room(ring: KeyRing) -> None:
    if ring.token_key_name is None:
        expected = 'is missing: IoT Core looks for the signed token under it, as in token_key_name = "token"'
        raise InvalidFile(ring.config, None, "token_key_name", expected)
    if ring.is_full:
        oldest = next(iter(ring.public_files))
        command = f"iot-authorizer keys retire{ring.option} {oldest}"
        raise KeyRefused(f"IoT Core takes {MOST_KEYS} keys: retire one first, as {command}")


def _unused(ring: KeyRing) -> KeyPair:
    month = time.strftime("%Y-%m")
    names = itertools.chain([month], (f"{month}-{number}" for number in itertools.count(2)))
    return next(pair for pair in map(ring.pair, names) if pair.name not in ring.public_files and not _there(pair))


def _new(ring: KeyRing, name: str) -> KeyPair:
    if name in ring.public_files:
        raise KeyRefused(f"{ring.config} has a key {name} already: give this one another name")
    pair = ring.pair(name)
    if there := _there(pair):
        advice = f"another name, or remove it by hand if no other configuration names a key {name}"
        raise KeyRefused(f"{there[0]} is there already: {advice}")
    return pair


def _there(pair: KeyPair) -> list[Path]:
    return [path for path in (pair.public_path, pair.private_path) if os.path.lexists(path)]


def _write(pair: KeyPair, private: bytes, public: bytes, config: Path, changed: bytes) -> None:
    try:
        write_whole(pair.private_path, private, mode=0o600)
        write_whole(pair.public_path, public)
        _replace(config, changed)
    except OSError:
        for path in _there(pair):
            path.unlink()
        raise


def _replace(config: Path, content: bytes) -> None:
    """Writes a configuration anew: where it is a link, what it leads to, and for whom it was."""
    path = config.resolve()
    write_whole(path, content, mode=path.stat().st_mode & 0o777)


@contextlib.contextmanager
def _alone(config: Path) -> Iterator[None]:
    """Has who changes the same keys at the same time wait, and removes what was left by who was killed."""
    if not config.parent.is_dir():  # What is missing is told by who reads the configuration.
        yield
        return
    folder = os.open(config.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        KeyFolders.beside(config).clean()
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Has Ctrl-C and the like wait until files that belong together are written."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
    for each in came:
        signal.raise_signal(each)
