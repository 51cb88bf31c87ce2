"""The signing keys of an `authorizer.toml`: IoT Core has the public half of each, the private half signs tokens."""

import base64
import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from iot_authorizer.configuration import load_partial_configuration
from iot_authorizer_cli.options import CONFIG, require_config
from iot_core.authorizers.rules import LEAST_KEY_BITS, MOST_KEYS, InvalidAuthorizer, is_key_name, read_public_key
from iot_core.whole_file import others_can_use
from iot_policies import InvalidFile
from iot_policies.toml_file import invalid_file, read_file

KEY_NAME = "expected 1 to 128 letters, digits and :_-"
"""What IoT Core accepts as a key's name."""


class KeyRefused(ValueError):
    """Something that cannot be done with a key. The text says what to do instead."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key that `[signing]` names. The private half may be on another machine."""

    name: str
    public_path: Path
    private_path: Path

    @property
    def has_private(self) -> bool:
        """Whether the private half is on this machine, usable or not."""
        return self.private_path.exists()

    @property
    def created(self) -> datetime:
        """When the private half was written, or the public one if it is elsewhere. Raises InvalidFile."""
        path = self.private_path if self.has_private else self.public_path
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError as error:
            raise InvalidFile(path, None, "", f"cannot be read: {error.strerror}") from None

    def read_public(self) -> RSAPublicKey:
        """The public half. Raises InvalidFile."""
        pem = read_file(self.public_path).decode("ascii", "replace")
        try:
            return read_public_key("", self.name, pem)
        except InvalidAuthorizer:
            expected = f"expected the public half of an RSA key of {LEAST_KEY_BITS} bits or more, in PEM"
            raise InvalidFile(self.public_path, None, "", expected) from None

    def read_private(self) -> RSAPrivateKey:
        """The private half. Raises InvalidFile if it is missing, readable for others, or another pair's."""
        path = self.private_path
        content = read_file(path)
        if others_can_use(path):
            raise InvalidFile(path, None, "", f"other users can read it: run chmod 600 {path}")
        return self._private_in(content)

    def check_private(self) -> None:
        """Checks that the private half is this pair's. Raises InvalidFile."""
        self._private_in(read_file(self.private_path))

    def _private_in(self, content: bytes) -> RSAPrivateKey:
        path = self.private_path
        try:
            key = load_pem_private_key(content, password=None)
        except TypeError:
            raise InvalidFile(path, None, "", "is encrypted: expected a key without a passphrase") from None
        except ValueError:
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise InvalidFile(path, None, "", "expected a private RSA key in PEM")
        if key.public_key().public_numbers() != self.read_public().public_numbers():
            raise InvalidFile(path, None, "", f"is not the other half of {self.public_path}")
        return key

    def sign(self, token: bytes) -> str:
        """The token's signature as clients send it: RSASSA-PKCS1-v1_5 with SHA-256, in base64. Raises InvalidFile."""
        return base64.b64encode(self.read_private().sign(token, PKCS1v15(), SHA256())).decode()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a configuration, in its order."""

    config: Path
    public_files: Mapping[str, str]
    """Files by key name, as the configuration has them."""
    token_key_name: str | None
    """The name under which IoT Core looks for the signed token."""
    unsigned: tuple[str, ...] = ()
    """The ways to sign in without a token, which signing cuts off: `passwords`, `anonymous`."""

    @property
    def option(self) -> str:
        """The option that makes a suggested command use this configuration."""
        return "" if self.config == CONFIG else f" --config {shlex.quote(str(self.config))}"

    @property
    def pairs(self) -> list[KeyPair]:
        """Each key."""
        return [self.pair(name) for name in self.public_files]

    @property
    def is_full(self) -> bool:
        """Whether IoT Core takes no more keys."""
        return len(self.public_files) >= MOST_KEYS

    def pair(self, name: str) -> KeyPair:
        """The key of a name. If the configuration does not name it, its public half is where a new key has it."""
        public = self.public_files.get(name, new_public_file(name))
        return KeyPair(name, self.config.parent / public, self.config.parent / "keys" / "private" / f"{name}.pem")

    def find(self, name: str) -> KeyPair:
        """A key that the configuration names. Raises KeyRefused."""
        if name not in self.public_files:
            known = ", ".join(self.public_files) or "none"
            raise KeyRefused(f"{self.config} has no key {name}; its keys: {known}")
        return self.pair(name)

    def active(self) -> KeyPair | None:
        """The key that signs: the newest with a private half on this machine, or None. Raises InvalidFile."""
        # Of two with the same time, the later one in the configuration is newer.
        dated = [(pair.created, index, pair) for index, pair in enumerate(self.pairs) if pair.has_private]
        return max(dated)[2] if dated else None


def new_public_file(name: str) -> str:
    """The file of a new key's public half, relative to the configuration."""
    return f"keys/{name}.pem"


def check_key_name(name: str) -> None:
    """Checks that IoT Core accepts a name, which is also a file's. Raises KeyRefused."""
    if not is_key_name(name):
        raise KeyRefused(f"a key's name: {KEY_NAME}")


def read_key_ring(config: Path) -> KeyRing:
    """The keys that a configuration names. Raises InvalidFile."""
    require_config(config)
    found, text = load_partial_configuration(config, only=("token_key_name", "signing", "passwords", "anonymous"))
    files = found.signing.public_keys if found.signing else {}
    for name in files:
        if not is_key_name(name):
            raise invalid_file(config, text, ("signing", "public_keys", name), f"a key's name: {KEY_NAME}")
    unsigned = tuple(name for name in ("passwords", "anonymous") if getattr(found, name) is not None)
    return KeyRing(config, files, found.token_key_name, unsigned)


def fingerprint(key: RSAPublicKey) -> str:
    """SHA-256 of a key's SubjectPublicKeyInfo (RFC 7469, section 2.4), in hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
