"""A Lambda directory as the construct reads it, and the template of a stack with the construct."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from iot_authorizer_cdk import IotCustomAuthorizer
from iot_authorizer_cdk.package.target import LAMBDA, write_target
from tests.authorizer.keys import public_keys, signing_key
from tests.cdk.configurations import CONFIGURATION, POLICY

Synth = Callable[..., Template]


def write_code(folder: Path) -> Path:
    """Writes what the construct reads of a Lambda directory that `iot-authorizer build` wrote."""
    folder.mkdir()
    (folder / "policy.toml").write_text(POLICY)
    (folder / "keys.json").write_text(json.dumps(public_keys(signing_key("RS256"))))
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    write_target(folder, LAMBDA)
    return folder


def synthesize_construct(**properties: Any) -> Template:  # noqa: ANN401
    stack = Stack(App(), "Test")
    IotCustomAuthorizer(stack, "Authorizer", **properties)
    return Template.from_stack(stack)


def statements(template: Template) -> list[Mapping[str, Any]]:
    """Returns what the authorizer's function may do."""
    roles = template.find_resources("AWS::IAM::Role").items()
    (role,) = (role for name, role in roles if name.startswith("AuthorizerLambdaRole"))
    template.resource_count_is("AWS::IAM::Policy", 0)
    assert "ManagedPolicyArns" not in role["Properties"]
    (policy,) = role["Properties"]["Policies"]
    found: list[Mapping[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def here_and_in_china(service: str) -> list[Mapping[str, Any]]:
    """The names of a service in the stack's region, which only the deployment knows."""
    return [
        {"Fn::Join": ["", [f"{service}.", {"Ref": "AWS::Region"}, f".{domain}"]]}
        for domain in ("amazonaws.com", "amazonaws.com.cn")
    ]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The construct with its defaults. No test changes it."""
    return synthesize_construct(code=write_code(tmp_path_factory.mktemp("defaults") / "lambda"))


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A Lambda directory that the test may change."""
    return write_code(tmp_path / "lambda")


@pytest.fixture
def config(code: Path) -> Path:
    return code / "authorizer.toml"


@pytest.fixture
def synth(code: Path) -> Synth:
    """Synthesizes the construct with the properties that are given by name."""
    return lambda **properties: synthesize_construct(**{"code": code} | properties)
