"""The usual sample of a custom authorizer, which lets anybody connect: built, synthesized, and its answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iot_authorizer_cdk.app.synthesis import build_app
from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.target import this_machine
from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator
from tests.cdk.configurations import ANYBODY

pytestmark = pytest.mark.slow

HOST = this_machine()
CONFIGURATION = 'name = "anybody"\npolicy = "policy.toml"\n[anonymous]\nprincipal = "public"\n'
ARN = "arn:aws:iot:eu-west-1:123456789012:"
ANSWER = """\
import json, sys
sys.path.insert(0, sys.argv[1])
from iot_authorizer.handler import lambda_handler
class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
print(json.dumps(lambda_handler(json.loads(sys.argv[2]), Context)))
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anybody")
    (folder / "policy.toml").write_text(ANYBODY)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    return build(folder / "authorizer.toml", folder / "code", HOST).directory


def answer(code: Path, data: dict[str, object]) -> dict[str, Any]:
    """What the built function answers, run with only its directory."""
    command = [sys.executable, "-I", "-c", ANSWER, str(code), json.dumps({"protocolData": data})]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=code)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_app_of_the_sample_is_synthesized(code: Path) -> None:
    stage = {"architecture": HOST.architecture, "python": HOST.python}
    assembly = build_app(code.with_name("authorizer.toml"), {"stage": "prod", "stages": {"prod": stage}}).synth()
    assert [stack.stack_name for stack in assembly.stacks if "anybody" in stack.stack_name]


def test_the_built_function_lets_anybody_connect_subscribe_and_publish_as_the_sample_does(code: Path) -> None:
    found = answer(code, {"mqtt": {"clientId": "client-1"}})
    assert (found["isAuthenticated"], found["principalId"]) == (True, "public")
    assert (found["disconnectAfterInSeconds"], found["refreshAfterInSeconds"]) == (3600, 300)
    evaluator = Evaluator(found["policyDocuments"], Connection(client_id="client-1"))
    asked = {
        ("iot:Connect", "client/client-1"): True,
        ("iot:Connect", "client/client-2"): False,
        ("iot:Subscribe", "topicfilter/server"): True,
        ("iot:Receive", "topic/server"): True,
        ("iot:Publish", "topic/client"): True,
        ("iot:Publish", "topic/server"): False,
    }
    assert {(action, resource): evaluator.allows(action, f"{ARN}{resource}") for action, resource in asked} == asked


def test_it_answers_an_empty_http_context_as_test_invoke_authorizer_sends_it(code: Path) -> None:
    assert answer(code, {"http": {"headers": {}, "queryString": ""}})["isAuthenticated"]
