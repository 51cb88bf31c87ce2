"""What the construct has to know of a Lambda directory's `authorizer.toml`, and what it refuses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from iot_authorizer.building import build
from iot_authorizer.configuration import Configuration, load_configuration
from iot_authorizer_cdk.configured_files import configured_files
from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.linter import lint
from iot_policies.toml_file import key_of, read_file

CONFIGURATION = "authorizer.toml"
"""Its name in the Lambda directory, whatever it was called before."""
TABLE = "AUTHORIZER__TABLE"
"""The function's variable with its identity table's name."""
SOME_TABLE = "one-that-is-deployed"
"""Stands for a table whose name only a deployment knows."""
_LEAST_KEY = 2048
"""Bits (AWS::IoT::Authorizer, TokenSigningPublicKeys)."""
_KEY_NAME = re.compile(r"[A-Za-z0-9:_-]{1,128}")
"""CreateAuthorizer, tokenSigningPublicKeys."""


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
    table: str | None
    """The name of an identity table, or its ARN."""
    files: frozenset[Path]
    """What it names, from where it stands."""


def built_configuration(code: Path) -> Path:
    """The configuration in a Lambda directory. Raises InvalidSettings where nothing was built."""
    config = code / CONFIGURATION
    if not config.is_file():
        raise InvalidSettings(f"{code}: there is no Lambda directory: `make build` writes it")
    return config


def read_settings(config: Path, environment: Mapping[str, str]) -> Settings:
    """Reads a configuration with what the function's environment will override, and all that the Lambda will load.

    Raises InvalidFile and InvalidSettings for what would not start, or not do what its policy says.
    """
    found = load_configuration(config, environment)
    files = frozenset(configured_files(config, found))
    of_files = found.model_copy(update={"table": None})  # Who looks into a table is in AWS.
    build(of_files, config.parent, environment={**environment, "AWS_LAMBDA_FUNCTION_NAME": found.name})
    _check_policy(config.parent / found.policy)
    public_keys = _public_keys(config, found)
    if public_keys and found.token_key_name is None:
        raise InvalidSettings(f"{config}: [signing] needs token_key_name: IoT Core looks for the signed token under it")
    secrets = tuple(issuer.secret for issuer in found.jwt if issuer.secret is not None)
    return Settings(found.name, found.token_key_name, public_keys, secrets, found.table, files)


def _check_policy(path: Path) -> None:
    for finding in lint(PolicyTemplate.load(path)):
        if finding.severity == "warning":
            raise InvalidSettings(f"{path}: {key_of(finding.location)}: {finding.message}")


def _public_keys(config: Path, configuration: Configuration) -> dict[str, str]:
    files = configuration.signing.public_keys if configuration.signing else {}
    for name in files:
        if _KEY_NAME.fullmatch(name) is None:
            raise InvalidFile(config, None, f"signing.public_keys.{name}", "expected 1 to 128 letters, digits and :_-")
    return {name: _public_key(config.parent / file) for name, file in files.items()}


def _public_key(path: Path) -> str:
    content = read_file(path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidFile(path, None, "", "expected a public key in PEM, as `iot-authorizer keys new` writes") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_KEY:
        raise InvalidFile(path, None, "", f"expected an RSA key of {_LEAST_KEY} bits or more")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
