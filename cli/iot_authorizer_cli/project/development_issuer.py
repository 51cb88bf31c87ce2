"""A development issuer: keys made on this machine that vouch for anybody, on this machine only."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from iot_authorizer_cli.project.stored_claims import DEVELOPMENT_ISSUER
from iot_core.whole_file import require_private, write_whole
from iot_policies import InvalidFile, Principal

DATA = Path(".iot-authorizer")
"""Where keys are kept unless told otherwise."""
ISSUER = DEVELOPMENT_ISSUER
"""The issuer and the audience of development tokens. The Lambda knows it only where DEVELOPMENT_KEYS is set."""
DEVELOPMENT_KEYS = "AUTHORIZER_DEVELOPMENT_JWKS"
"""The environment variable that names the file of the public keys to the authorizer."""
DEVELOPMENT_TABLE = "AUTHORIZER_DEVELOPMENT_TABLE"
"""The environment variable that names the file of the table of identities to the authorizer."""

TABLE = "AUTHORIZER__TABLE"
"""The environment variable that names another table than the configuration does."""


def make_folder(folder: Path) -> Path:
    """Makes a data folder, for its owner alone and out of git, where it is missing. Raises OSError."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    return folder


def table_path(folder: Path) -> Path:
    """The development table of a data folder: SQLite in the place of DynamoDB."""
    return folder / "identities.sqlite"


def jwks_path(folder: Path) -> Path:
    """The file with the development issuer's public key."""
    return folder / "development-jwks.json"


class DevelopmentIssuer:
    """Mints tokens with a key in the data folder, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made = not self._key_path.exists()
        """Whether the key was made just now: nobody who is running knows it."""
        self._key = self._load_or_make()

    @property
    def _key_path(self) -> Path:
        return self._folder / "development-key.pem"

    @property
    def jwks_path(self) -> Path:
        """The file with the public key."""
        return jwks_path(self._folder)

    def token(self, principal: str, claims: Mapping[str, object], expires_in: int) -> str:
        """An ES256 JWT for a principal, with an ID (`jti`) unless the claims have one; `expires_in` in seconds."""
        now = int(time.time())
        standard = {"iss": ISSUER, "aud": ISSUER, "sub": principal, "iat": now, "exp": now + expires_in}
        return jwt.encode(
            {"jti": uuid4().hex, **claims, **standard}, self._key, "ES256", headers={"kid": "development"}
        )

    def environment(self, table: str | None = None) -> Mapping[str, str]:
        """What has an authorizer trust the development issuer, and look into a table of DynamoDB's.

        Without one it looks into the development table, where its configuration names any.
        """
        keys = {DEVELOPMENT_KEYS: str(self.jwks_path)}
        return keys | ({DEVELOPMENT_TABLE: str(table_path(self._folder))} if table is None else {TABLE: table})

    def _load_or_make(self) -> EllipticCurvePrivateKey:
        make_folder(self._folder)
        path = self._key_path
        if not path.exists():
            made = generate_private_key(SECP256R1())
            write_whole(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        key = _read_private(path)
        public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "development", "use": "sig"}
        write_whole(self.jwks_path, json.dumps({"keys": [public]}).encode())
        return key


def principal_of(name: str, claims: Mapping[str, object]) -> Principal:
    """The principal that the authorizer makes of a development token: with the claims that the issuer adds."""
    return Principal(name, with_scopes({**claims, "iss": ISSUER, "aud": ISSUER, "sub": name}))


def with_scopes(claims: Mapping[str, object]) -> Mapping[str, object]:
    """A token's claims as the authorizer reads them: `scope` is a list in one text (RFC 8693, section 4.2)."""
    scope = claims.get("scope")
    return {**claims, "scope": scope.split()} if isinstance(scope, str) else claims


def _read_private(path: Path) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    require_private(path)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidFile(path, None, "", "expected a P-256 key in PEM: remove it, and a new one is made")
    return key
