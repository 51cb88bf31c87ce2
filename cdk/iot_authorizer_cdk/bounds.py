"""Bounds of properties. Tokens of the CDK fit them all: only a deployment knows what they stand for."""

import re

from aws_cdk import Token

from iot_authorizer_cdk.settings import InvalidSettings

AUTHORIZER_NAME = "[A-Za-z0-9_=,@-]{1,128}"
"""CreateAuthorizer, authorizerName; ASCII alone, as our configuration has it."""


def check_text(key: str, value: str | None, pattern: str, expected: str) -> None:
    """Lets none pass, and a text that is as a regular expression says. Raises InvalidSettings."""
    if value is None or Token.is_unresolved(value) or re.fullmatch(pattern, value):
        return
    raise InvalidSettings(f"{key}: expected {expected}")


def check_arn(key: str, value: str | None, service: str, resource: str) -> None:
    """Lets none pass, and an ARN of a service whose resource begins like this. Raises InvalidSettings."""
    pattern = rf"arn:aws[a-z-]*:{service}:[a-z0-9-]+:[0-9]{{12}}:{resource}[A-Za-z0-9_./-]+"
    check_text(key, value, pattern, f"an ARN, arn:aws:{service}:REGION:ACCOUNT:{resource}…")


def check_number(key: str, value: int | None, least: int, most: float, expected: str) -> None:
    """Lets none pass, and a number within bounds. Raises InvalidSettings."""
    if value is None or Token.is_unresolved(value) or least <= value <= most:
        return
    raise InvalidSettings(f"{key}: expected {expected}")
