"""What the construct has to know of `authorizer.toml`, and what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from authorizer.configuration import Configuration, load_configuration
from policies import InvalidFile, PolicyTemplate
from policies.linter import lint
from policies.toml_file import key_of, read_file

_LEAST_KEY = 2048
"""Bits (AWS::IoT::Authorizer, TokenSigningPublicKeys)."""


class InvalidSettings(ValueError):
    """A combination that IoT Core or Lambda would refuse, or that would not work. Its text says what to change."""


@dataclass(frozen=True, slots=True)
class Settings:
    """An authorizer as `authorizer.toml` describes it."""

    name: str
    token_key_name: str | None
    public_keys: Mapping[str, str]
    """PEM by the keys' names; where there are any, signing is on."""
    secrets: tuple[str, ...]
    """`secretsmanager:NAME` or `ssm:NAME` of each shared secret."""


def read_settings(config: Path, environment: Mapping[str, str]) -> Settings:
    """Reads a configuration with what the function's environment will override.

    Raises InvalidFile and InvalidSettings for what would not start, or not do what its policy says.
    """
    found = load_configuration(config, environment)
    _check_policy(config.parent / found.policy)
    keys = found.signing.public_keys if found.signing else {}
    public_keys = {name: _public_key(config.parent / path) for name, path in keys.items()}
    if public_keys and found.token_key_name is None:
        raise InvalidSettings(f"{config}: [signing] needs token_key_name: IoT Core looks for the signed token under it")
    return Settings(found.name, found.token_key_name, public_keys, _secrets(found))


def _secrets(configuration: Configuration) -> tuple[str, ...]:
    return tuple(issuer.secret for issuer in configuration.jwt if issuer.secret is not None)


def _check_policy(path: Path) -> None:
    for finding in lint(PolicyTemplate.load(path)):
        if finding.severity == "warning":
            raise InvalidSettings(f"{path}: {key_of(finding.location)}: {finding.message}")


def _public_key(path: Path) -> str:
    content = read_file(path)
    try:
        key = load_pem_public_key(content)
    except ValueError:
        raise InvalidFile(path, None, "", "expected a public key in PEM, as `iot-authorizer keys new` writes") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_KEY:
        raise InvalidFile(path, None, "", f"expected an RSA key of {_LEAST_KEY} bits or more")
    return content.decode("ascii")
