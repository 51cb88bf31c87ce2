"""The files that `authorizer.toml` names and the Lambda function needs."""

from collections.abc import Iterator
from pathlib import Path

from authorizer.configuration import Configuration, load_configuration
from policies import InvalidFile


def configured_files(config: Path) -> Iterator[tuple[str, Path]]:
    """Each file's name as the configuration has it, and where it is. Raises InvalidFile."""
    for key, name in _named(load_configuration(config)):
        path = Path(name)
        if path.is_absolute() or ".." in path.parts:
            raise InvalidFile(config, None, key, "expected a file beside the configuration: the Lambda has no other")
        yield name, config.parent / path


def _named(configuration: Configuration) -> Iterator[tuple[str, str]]:
    yield "policy", configuration.policy
    for index, issuer in enumerate(configuration.jwt):
        if issuer.jwks is not None and "://" not in issuer.jwks:
            yield f"jwt[{index}].jwks", issuer.jwks
    if configuration.passwords is not None and configuration.passwords.file is not None:
        yield "passwords.file", configuration.passwords.file
