"""The project whose authorizers the checks use: one user with topics of its own, and a password or a token.

`signed.toml` is a second authorizer, whose tokens must be signed. A second user has a space in its name.
"""

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import typer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from iot_authorizer_cli.commands.conformance.wire import Endpoint
from iot_core.whole_file import write_whole
from iot_identities.passwords import hash_password

NAME = "conformance"
_SIGNED = "conformance-tokens"
SIGNED_NAME = f"{_SIGNED}-signed"
"""The deployed name of the authorizer with signing."""
_ISSUER = "urn:iot-authorizer:conformance"
_LONGEST_RUN = 3600
"""Seconds that a token lasts."""
_CONFIGURATION = """\
# Made by `iot-authorizer conformance`. Deploy it, run the checks, destroy it.
name           = "{name}"
policy         = "policy.toml"
token_key_name = "token"
{handler}
[[jwt]]
issuer     = "{issuer}"
audience   = ["{audience}"]
algorithms = ["ES256"]
jwks       = "keys.json"

{table}
"""
_HANDLER = 'handler        = "answers.lambda_handler"   # It answers as configured here, or what a check asks for.\n'
_POLICY = """\
[[grant]]
name      = "checks"
connect   = ["{principal}/*"]
publish   = ["conformance/{principal}/open/#"]
retain    = ["conformance/{principal}/kept/#"]
subscribe = [
    "conformance/{principal}/#",
    "$share/group/conformance/{principal}/#",
    "$aws/events/presence/connected/{principal}/+",
    "$aws/events/presence/disconnected/{principal}/+",
]
"""
_CDK = '{"context": {"stages": {"dev": {"caching_for_http": true}}}}\n'
_ANSWERS = "answers.py"
_CREDENTIALS, _SIGNING_KEY = "credentials.json", "signing.pem"


@dataclass(frozen=True, slots=True)
class ConformanceProject:
    """A folder with the project."""

    folder: Path
    user: str
    password: str = field(repr=False)
    _key: str = field(repr=False)
    """The key of its tokens, in PEM."""
    _signing_key: str = field(repr=False)
    """The key that signs tokens for IoT Core, in PEM."""

    @property
    def configuration(self) -> Path:
        """Its `authorizer.toml`."""
        return self.folder / "authorizer.toml"

    def endpoint(
        self,
        host: str,
        port: int,
        *,
        patience: float,
        authorizer: str = NAME,
        ca: Path | None = None,
        time_scale: float = 1,
    ) -> Endpoint:
        """An endpoint at which its user connects. The token lasts an hour."""
        token, token_signature = self._signed_token()
        return Endpoint(
            host=host,
            port=port,
            authorizer=authorizer,
            user=self.user,
            password=self.password,
            token=token,
            token_signature=token_signature,
            patience=patience,
            ca=ca,
            time_scale=time_scale,
        )

    @property
    def public_signing_key(self) -> str:
        """The public half of the key that signs tokens for IoT Core, in PEM."""
        return (self.folder / _SIGNING_KEY).read_text()

    def _signed_token(self) -> tuple[str, str]:
        """A token, and its signature in base64 with a plus and a slash, which nearly all have."""
        signing_key = load_pem_private_key(self._signing_key.encode(), None)
        if not isinstance(signing_key, rsa.RSAPrivateKey):
            raise TypeError("expected an RSA key")
        while True:
            claims = {"iss": _ISSUER, "aud": NAME, "sub": self.user, "exp": int(time.time()) + _LONGEST_RUN}
            token = jwt.encode(claims, self._key, "ES256", headers={"kid": NAME})
            signature = base64.b64encode(signing_key.sign(token.encode(), PKCS1v15(), SHA256())).decode()
            if {"+", "/"} <= set(signature):
                return token, signature


def write_project(folder: Path) -> None:
    """Writes a project, with a user, a password and a key for tokens that are made up."""
    user, password = f"check{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    key, signing_key = generate_private_key(SECP256R1()), rsa.generate_private_key(65537, 2048)
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": NAME, "use": "sig"}
    hashed = hash_password(password)
    files = {
        "authorizer.toml": _configuration(NAME, '[passwords]\nfile = "passwords.toml"', _HANDLER),
        "signed.toml": _configuration(_SIGNED, f'[signing]\npublic_keys = {{ check = "{_SIGNING_KEY}" }}'),
        "policy.toml": _POLICY,
        "cdk.json": _CDK,
        _ANSWERS: Path(__file__).with_name(_ANSWERS).read_text("utf-8"),
        "keys.json": json.dumps({"keys": [public]}),
        "passwords.toml": "".join(f'[users."{name}"]\nhash = "{hashed}"\n' for name in (user, spaced(user))),
        _SIGNING_KEY: signing_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    }
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")
    secret = {"user": user, "password": password, "key": _pem(key), "signing_key": _pem(signing_key)}
    write_whole(folder / _CREDENTIALS, json.dumps(secret).encode(), mode=0o600)


def spaced(user: str) -> str:
    """The name of the project's second user, which has a space and the same password."""
    return f"{user} x"


def _configuration(name: str, table: str, handler: str = "") -> str:
    return _CONFIGURATION.format(name=name, issuer=_ISSUER, audience=NAME, table=table, handler=handler)


def _pem(key: EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read_project(folder: Path) -> ConformanceProject:
    """Reads a project that was written here. Raises BadParameter."""
    try:
        found = json.loads((folder / _CREDENTIALS).read_text("utf-8"))
        values = [str(found[name]) for name in ("user", "password", "key", "signing_key")]
        return ConformanceProject(folder, *values)
    except (OSError, ValueError, KeyError, TypeError):
        problem = f"{folder} exists, but was not made by this command: name a folder that does not exist yet"
        raise typer.BadParameter(problem, param_hint="FOLDER") from None
