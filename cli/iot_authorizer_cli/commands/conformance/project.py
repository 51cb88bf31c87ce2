"""The project whose authorizer the checks use: one user with topics of its own, and a password or a token."""

import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import typer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm

from iot_authorizer_cli.commands.conformance.wire import Endpoint
from iot_core.whole_file import write_whole
from iot_identities.passwords import hash_password

NAME = "conformance"
_ISSUER = "urn:iot-authorizer:conformance"
_LONGEST_RUN = 3600
"""Seconds that a token lasts."""
_CONFIGURATION = f"""\
# Made by `iot-authorizer conformance`. Deploy it, run the checks, destroy it.
name           = "{NAME}"
policy         = "policy.toml"
token_key_name = "token"
handler        = "answers.lambda_handler"   # The policy below, or what a check asks for: answers.py lists it.

[[jwt]]
issuer     = "{_ISSUER}"
audience   = ["{NAME}"]
algorithms = ["ES256"]
jwks       = "keys.json"

[passwords]
file = "passwords.toml"
"""
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
_CREDENTIALS = "credentials.json"


@dataclass(frozen=True, slots=True)
class ConformanceProject:
    """A folder with the project."""

    folder: Path
    user: str
    password: str = field(repr=False)
    _key: str = field(repr=False)

    @property
    def configuration(self) -> Path:
        """Its `authorizer.toml`."""
        return self.folder / "authorizer.toml"

    def endpoint(
        self,
        host: str,
        port: int,
        *,
        tls: bool,
        patience: float,
        authorizer: str = NAME,
        ca: Path | None = None,
        time_scale: float = 1,
    ) -> Endpoint:
        """An endpoint at which its user connects. The token lasts an hour."""
        return Endpoint(
            host=host,
            port=port,
            tls=tls,
            authorizer=authorizer,
            user=self.user,
            password=self.password,
            token=self._token(),
            patience=patience,
            ca=ca,
            time_scale=time_scale,
        )

    def _token(self) -> str:
        claims = {"iss": _ISSUER, "aud": NAME, "sub": self.user, "exp": int(time.time()) + _LONGEST_RUN}
        return jwt.encode(claims, self._key, "ES256", headers={"kid": NAME})


def write_project(folder: Path) -> None:
    """Writes a project, with a user, a password and a key for tokens that are made up."""
    user, password = f"check{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    key = generate_private_key(SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": NAME, "use": "sig"}
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    folder.mkdir(parents=True)
    (folder / "authorizer.toml").write_text(_CONFIGURATION)
    (folder / "policy.toml").write_text(_POLICY)
    (folder / "cdk.json").write_text(_CDK)
    (folder / _ANSWERS).write_bytes(Path(__file__).with_name(_ANSWERS).read_bytes())
    (folder / "keys.json").write_text(json.dumps({"keys": [public]}))
    (folder / "passwords.toml").write_text(f'[users.{user}]\nhash = "{hash_password(password)}"\n')
    secret = {"user": user, "password": password, "key": private}
    write_whole(folder / _CREDENTIALS, json.dumps(secret).encode(), mode=0o600)


def read_project(folder: Path) -> ConformanceProject:
    """Reads a project that was written here. Raises BadParameter."""
    try:
        found = json.loads((folder / _CREDENTIALS).read_text("utf-8"))
        return ConformanceProject(folder, str(found["user"]), str(found["password"]), str(found["key"]))
    except (OSError, ValueError, KeyError, TypeError):
        problem = f"{folder} exists, but was not made by this command: name a folder that does not exist yet"
        raise typer.BadParameter(problem, param_hint="FOLDER") from None
