"""Stacks as they are synthesized, from a configuration of a test's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk.custom_authorizer import IotCustomAuthorizer

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
def config(tmp_path: Path) -> Path:
    """A configuration with its template."""
    (tmp_path / "policy.toml").write_text(POLICY)
    path = tmp_path / "authorizer.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """What stands for the Lambda directory."""
    folder = tmp_path / "lambda"
    folder.mkdir()
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    return folder


@pytest.fixture
def synth(config: Path, code: Path) -> Synth:
    """The template of a stack with the construct; its properties are given by name."""
    given: dict[str, object] = {"config": config, "code": code}

    def synth(**properties: object) -> Template:
        stack = Stack(App(), "Test")
        IotCustomAuthorizer(stack, "Authorizer", **(given | properties))  # type: ignore[arg-type]
        return Template.from_stack(stack)

    return synth
