"""The part of `authorizer.toml` that is used here; the Lambda checks all of it."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from iot_authorizer_cli.project.stored_claims import DEVELOPMENT_ISSUER
from iot_policies.durations import seconds
from iot_policies.toml_file import from_validation, override, read_toml


class Signing(BaseModel):
    """`[signing]`."""

    public_keys: dict[str, str]
    """Files in PEM by the keys' names."""


class Issuer(BaseModel):
    """`[[jwt]]`, and `[signed_tokens]`."""

    issuer: str = ""
    jwks: str | None = None
    stored_claims: bool = False


class Passwords(BaseModel):
    """`[passwords]`."""

    file: str | None = None


class Anonymous(BaseModel):
    """`[anonymous]`."""

    claims: dict[str, object] = Field(default_factory=dict)


def _time(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('expected a string such as "5s"')
    return seconds(value)


class Revocation(BaseModel):
    """`[revocation]`."""

    cache_for: Annotated[int, BeforeValidator(_time)] = 5
    """Seconds."""


class ConfigurationFile(BaseModel):
    """The tables; file names are as they stand there."""

    name: str = "authorizer"
    policy: str | None = None
    table: str | None = None
    token_key_name: str | None = None
    signing: Signing | None = None
    jwt: list[Issuer] = Field(default_factory=list)
    signed_tokens: Issuer | None = None
    passwords: Passwords | None = None
    anonymous: Anonymous | None = None
    revocation: Revocation = Field(default_factory=Revocation)

    @property
    def stored_claims_issuers(self) -> frozenset[str]:
        """The issuers whose tokens' claims the table's join; the development issuer stands for any of them."""
        tokens = [*self.jwt, *((self.signed_tokens,) if self.signed_tokens else ())]
        found = frozenset(each.issuer for each in tokens if each.stored_claims)
        return found | {DEVELOPMENT_ISSUER} if found else found


def read_configuration_file(path: Path) -> tuple[ConfigurationFile, str]:
    """The file with what the environment overrides, and its text for messages. Raises InvalidFile.

    Without a file there is an authorizer in code, of which IoT Core knows what the environment says.
    """
    tables, text = read_toml(path) if path.exists() else ({}, "")
    override(tables, path, os.environ)
    try:
        return ConfigurationFile.model_validate(tables), text
    except ValidationError as error:
        raise from_validation(path, text, tables, error, ()) from None
