"""One key pair: the public half is IoT Core's, the private one signs tokens."""

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
    """A key that `[signing]` names. The private half need not be on this machine."""

    name: str
    public_path: Path
    private_path: Path

    @property
    def has_private(self) -> bool:
        """Whether there is a private half here, usable or not."""
        return self.private_path.exists()

    @property
    def created(self) -> datetime:
        """When the private half was written; where it is not here, the public one. Raises InvalidFile."""
        path = self.private_path if self.has_private else self.public_path
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError as error:
            raise InvalidFile(path, None, "", f"can't be read: {error.strerror}") from None

    def read_public(self) -> RSAPublicKey:
        """The public half. Raises InvalidFile."""
        pem = read_file(self.public_path).decode("ascii", "replace")
        try:
            return read_public_key("", self.name, pem)
        except InvalidAuthorizer:
            expected = f"expected the public half of an RSA key of {LEAST_KEY_BITS} bits or more, in PEM"
            raise InvalidFile(self.public_path, None, "", expected) from None

    def read_private(self) -> RSAPrivateKey:
        """The private half. Raises InvalidFile where it is missing, for others too, or not this pair's."""
        path = self.private_path
        content = read_file(path)
        if others_can_use(path):
            raise InvalidFile(path, None, "", f"others can read it: chmod 600 {path}")
        return self._private_in(content)

    def check_private(self) -> None:
        """Checks that the private half is this pair's, whoever can read it. Raises InvalidFile."""
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
