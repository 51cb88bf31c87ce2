"""What stands in for AWS and for an issuer on one machine, and never in Lambda."""

from collections.abc import Mapping
from pathlib import Path

from iot_policies import InvalidFile

ISSUER = "urn:iot-authorizer:development"
KEYS = "AUTHORIZER_DEVELOPMENT_JWKS"
"""Names a JWKS file whose keys may vouch for anybody."""
TABLE = "AUTHORIZER_DEVELOPMENT_TABLE"
"""Names an SQLite file that stands for the table of identities."""


def file_named_by(variable: str, environment: Mapping[str, str]) -> Path | None:
    """The file that a variable of the environment names; None where it is not set. Raises InvalidFile in Lambda."""
    path = environment.get(variable)
    if path is None:
        return None
    if "AWS_LAMBDA_FUNCTION_NAME" in environment:
        raise InvalidFile(path, None, variable, "what it names is for development on one machine, never for Lambda")
    return Path(path)
