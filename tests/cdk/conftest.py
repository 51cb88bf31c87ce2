"""Stacks as they are synthesized, from a Lambda directory of a test's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from iot_authorizer_cdk.custom_authorizer import IotCustomAuthorizer
from iot_authorizer_cdk.target import LAMBDA, write_target
from tests.authorizer.keys import public_keys, signing_key

CONFIGURATION = """\
name           = "chat"
policy         = "policy.toml"
token_key_name = "token"

[[jwt]]
issuer     = "https://auth.example.com/"
audience   = ["chat"]
algorithms = ["RS256"]
jwks       = "keys.json"
"""
POLICY = """\
[[grant]]
connect = ["{principal}", "{principal}/*"]
publish = ["users/{principal}/outbox"]
"""

Synth = Callable[..., Template]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """What stands for the Lambda directory: of what `make build` writes, all that the construct looks at."""
    folder = tmp_path / "lambda"
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY)
    (folder / "keys.json").write_text(json.dumps(public_keys(signing_key("RS256"))))
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    write_target(folder, LAMBDA)
    return folder


@pytest.fixture
def config(code: Path) -> Path:
    """The configuration in it."""
    return code / "authorizer.toml"


@pytest.fixture
def synth(code: Path) -> Synth:
    """The template of a stack with the construct; its properties are given by name."""

    def synth(**properties: object) -> Template:
        stack = Stack(App(), "Test")
        IotCustomAuthorizer(stack, "Authorizer", **({"code": code} | properties))  # type: ignore[arg-type]
        return Template.from_stack(stack)

    return synth


def with_secret(config: Path, secret: str = "secretsmanager:chat/hs256") -> None:
    """Lets an issuer sign with a shared secret."""
    shared = f'algorithms = ["HS256"]\nsecret     = "{secret}"'
    config.write_text(config.read_text().replace('algorithms = ["RS256"]\njwks       = "keys.json"', shared))
