"""What IoT Core does before and after it invokes an authorizer's Lambda."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ValidationError

from local.event import ConnectionRequest
from policies import InvalidFile
from policies.errors import printable
from policies.toml_file import from_validation, read_file, read_toml


class NotInvoked(Exception):
    """IoT Core refuses a client by itself."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What IoT Core knows of an authorizer, beside its function."""

    token_key_name: str | None
    public_keys: tuple[RSAPublicKey, ...]
    """Where there are any, signing is on."""


class _Signing(BaseModel):
    public_keys: dict[str, str]


class _Authorizer(BaseModel):
    """The part of `authorizer.toml` that IoT Core is told, too."""

    token_key_name: str | None = None
    signing: _Signing | None = None


def read_settings(config: Path) -> Settings:
    """What IoT Core is told of an authorizer; without a configuration, that is nothing. Raises InvalidFile."""
    if not config.exists():
        return Settings(None, ())
    tables, text = read_toml(config)
    try:
        found = _Authorizer.model_validate(tables)
    except ValidationError as error:
        raise from_validation(config, text, tables, error, ()) from None
    paths = found.signing.public_keys.values() if found.signing else ()
    token_key_name = os.environ.get("AUTHORIZER__TOKEN_KEY_NAME", found.token_key_name)
    return Settings(token_key_name, tuple(_public_key(config.parent / path) for path in paths))


def _public_key(path: Path) -> RSAPublicKey:
    content = read_file(path)
    try:
        key = load_pem_public_key(content)
    except ValueError:
        raise InvalidFile(path, None, "", "expected a public key in PEM") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise InvalidFile(path, None, "", "expected an RSA key of 2,048 bits or more")
    return key


def verify_signature(request: ConnectionRequest, settings: Settings) -> bool:
    """Whether the token's signature is right, RSASSA-PKCS1-v1_5 with SHA-256. False where signing is off.

    Raises NotInvoked where signing is on and IoT Core would not invoke the Lambda at all.
    """
    if not settings.public_keys:
        return False
    token = request.find_token(settings.token_key_name or "")
    if token is None or request.token_signature is None:
        raise NotInvoked("signing is on: IoT Core refuses a client without a token and its signature")
    try:
        signature = base64.b64decode(request.token_signature, validate=True)
    except binascii.Error:
        raise NotInvoked("IoT Core refuses this client: the token's signature is no base64") from None
    if not any(_verifies(key, signature, token.encode()) for key in settings.public_keys):
        raise NotInvoked("IoT Core refuses this client: no public key of [signing] fits the token's signature")
    return True


def _verifies(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def describe(decision: Mapping[str, object]) -> str:
    """A decision's log line, for people."""
    if not decision:
        return "the handler logged no decision"
    names = ("reason", "detail", "principal", "client_id", "issuer", "door", "duration_ms")
    fields = " ".join(f"{name}={decision[name]}" for name in names if decision.get(name) is not None)
    return printable(f"{decision['decision']}: {fields}")
