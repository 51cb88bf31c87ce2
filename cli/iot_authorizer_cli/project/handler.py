"""Loads the Lambda handler of a project."""

from collections.abc import Mapping
from pathlib import Path

from iot_core.functions.lambda_function import ACCOUNT, REGION, LambdaFunction

HANDLER = "iot_authorizer.handler.lambda_handler"
"""The handler that runs `authorizer.toml`, unless the user names another one."""


def load_function(
    config: Path,
    handler: str = HANDLER,
    *,
    region: str = REGION,
    account: str = ACCOUNT,
    environment: Mapping[str, str] | None = None,
) -> LambdaFunction:
    """Load a handler that reads its configuration from `config`. `environment` adds environment variables.

    Raises BrokenHandler, and InvalidFile for a wrong configuration.
    """
    variables = {"AUTHORIZER_CONFIG": str(config), **(environment or {})}
    return LambdaFunction(handler, region=region, account=account, environment=variables)
