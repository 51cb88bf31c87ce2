"""Replacements for the issuer, the DynamoDB table and AWS STS during development, never used in Lambda."""

from collections.abc import Mapping
from pathlib import Path

from iot_policies import InvalidFile

ISSUER = "urn:iot-authorizer:development"
KEYS = "AUTHORIZER_DEVELOPMENT_JWKS"
"""The variable that names a JWKS file; tokens signed with its keys can name any principal."""
TABLE = "AUTHORIZER_DEVELOPMENT_TABLE"
"""The variable that names an SQLite file, used instead of the table of identities."""

STS = "AUTHORIZER_DEVELOPMENT_STS"
"""The variable that names a JSON file: the role of clients, and AWS STS, of IoT Core on this machine."""

TIME_SCALE = "AUTHORIZER_DEVELOPMENT_TIME_SCALE"
"""The variable that says how many times as fast the time of development tokens passes."""


def in_lambda(environment: Mapping[str, str]) -> bool:
    """Whether this process runs in Lambda, where messages show no values."""
    return "AWS_LAMBDA_FUNCTION_NAME" in environment


def file_named_by(variable: str, environment: Mapping[str, str]) -> Path | None:
    """The file that an environment variable names; None if it is not set. Raises InvalidFile in Lambda."""
    path = environment.get(variable)
    if path is None:
        return None
    if in_lambda(environment):
        raise InvalidFile(path, None, variable, "the file is for development on one machine, never for Lambda")
    return Path(path)
