"""The data folder of a project in development, and the development issuer, whose key is in it.

- The key is made on this machine when it is first needed. Only the owner of the folder can read it.
- It signs tokens for any principal, with any claims. Only an authorizer that runs on this machine trusts them: the
  environment that `DevelopmentIssuer.environment` returns names the public key, and in Lambda such a name is an error.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from iot_authorizer import development
from iot_core.whole_file import require_private, write_once, write_whole
from iot_policies import InvalidFile, Principal

DATA = Path(".iot-authorizer")
"""The data folder, unless an option names another one."""
ISSUER = development.ISSUER
"""The issuer and the audience of development tokens."""
_TABLE = "AUTHORIZER__TABLE"
"""Overrides the configuration's `table`."""


def make_folder(folder: Path) -> Path:
    """Makes a data folder if it is missing, readable only by its owner and ignored by git. Raises OSError."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(folder / ".gitignore", b"*\n")
    return folder


def table_path(folder: Path) -> Path:
    """The development table of a data folder: SQLite in place of DynamoDB."""
    return folder / "identities.sqlite"


def sts_path(folder: Path) -> Path:
    """The file with the role of clients, and AWS STS of this machine, for the credentials endpoint."""
    return folder / "development-sts.json"


def jwks_path(folder: Path) -> Path:
    """The file with the development issuer's public key."""
    return folder / "development-jwks.json"


class DevelopmentIssuer:
    """Issues tokens, signed with the key in a data folder."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder and the key if they are missing. Raises InvalidFile, OSError."""
        self._folder = folder
        self.made = not self._key_path.exists()
        """Whether the key is new: a process that started before does not trust it."""
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

    def environment(self, table: str | None = None, time_scale: float = 1) -> Mapping[str, str]:
        """The environment variables that make an authorizer trust this issuer and look into a table.

        `table` is the name of a DynamoDB table. Without it, the authorizer looks into the development table, if its
        configuration names a table. The tokens of this issuer expire `time_scale` times as fast.
        """
        variables = {development.KEYS: str(self.jwks_path), development.STS: str(sts_path(self._folder))}
        if time_scale != 1:
            variables[development.TIME_SCALE] = str(time_scale)
        if table is not None:
            return {**variables, _TABLE: table}
        return {**variables, development.TABLE: str(table_path(self._folder))}

    def _load_or_make(self) -> EllipticCurvePrivateKey:
        make_folder(self._folder)
        path = self._key_path
        if not path.exists():
            made = generate_private_key(SECP256R1())
            write_once(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        key = _read_private(path)
        public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "development", "use": "sig"}
        write_whole(self.jwks_path, json.dumps({"keys": [public]}).encode())
        return key


def ignored_claims(claims: Mapping[str, object]) -> Iterator[str]:
    """A warning if claims have names whose values the issuer sets itself."""
    if names := [name for name in claims if name in ("iss", "aud", "sub", "iat", "exp")]:
        yield f"--claims: {' and '.join(names)} ignored: the development issuer sets such claims itself"


def principal_of(name: str, claims: Mapping[str, object]) -> Principal:
    """The principal that the authorizer makes of a development token, including the claims that the issuer adds."""
    return Principal(name, {**claims, "iss": ISSUER, "aud": ISSUER, "sub": name})


def _read_private(path: Path) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    require_private(path)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise InvalidFile(path, None, "", "not a P-256 key in PEM: remove the file, and a new key is made")
    return key
