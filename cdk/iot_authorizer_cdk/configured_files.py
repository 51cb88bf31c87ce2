"""The files that `authorizer.toml` names, which stand beside it in the Lambda directory too."""

from collections.abc import Iterator
from pathlib import Path

from iot_authorizer.configuration import Configuration
from iot_policies import InvalidFile


def configured_files(config: Path, configuration: Configuration) -> Iterator[Path]:
    """Where each is, from where the configuration stands. Raises InvalidFile for one that is not there, beside it."""
    for key, name in _named(configuration):
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            raise InvalidFile(config, None, key, "expected a file beside the configuration: the Lambda has no other")
        if not (config.parent / path).is_file():
            expected = f"{name} is not there: the Lambda has what authorizer.toml itself names, and no other file"
            raise InvalidFile(config, None, key, expected)
        yield path


def _named(configuration: Configuration) -> Iterator[tuple[str, str]]:
    yield "policy", configuration.policy
    for index, issuer in enumerate(configuration.jwt):
        if issuer.jwks is not None and "://" not in issuer.jwks:
            yield f"jwt[{index}].jwks", issuer.jwks
    if configuration.passwords is not None and configuration.passwords.file is not None:
        yield "passwords.file", configuration.passwords.file
    if configuration.signing is not None:
        for key_name, file in configuration.signing.public_keys.items():
            yield f"signing.public_keys.{key_name}", file
