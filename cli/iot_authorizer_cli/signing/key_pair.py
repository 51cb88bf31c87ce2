"""One key pair: IoT Core has the public half, the private half signs tokens."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from iot_core.authorizers.rules import LEAST_KEY_BITS, InvalidAuthorizer, read_public_key
from iot_core.whole_file import others_can_use
from iot_policies import InvalidFile
from iot_policies.toml_file import read_file


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


def fingerprint(key: RSAPublicKey) -> str:
    """SHA-256 of a key's SubjectPublicKeyInfo (RFC 7469, section 2.4), in hex."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
