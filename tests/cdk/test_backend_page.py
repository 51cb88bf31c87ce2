"""The pages about backends: what they show is what the construct makes."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack, aws_dynamodb, aws_iam
from aws_cdk.assertions import Template

from iot_authorizer_cdk import IotCustomAuthorizer
from tests import ROOT
from tests.cdk.conftest import write_code

PAGE = (ROOT / "docs/how-to/publish-from-a-backend.md").read_text("utf-8")
CODE, APP = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(STATEMENT,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CLAIMS_PAGE = (ROOT / "docs/how-to/change-claims-from-a-backend.md").read_text("utf-8")
(STATEMENTS,) = re.findall(r"^```json\n(.*?)^```$", CLAIMS_PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Template:
    """What the app of the page synthesizes."""
    folder = write_code(tmp_path / "project")
    (folder / "publish.py").write_text(CODE)
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(APP, "backend_app.py", "exec"), names)
    found: Stack = names["stack"]
    shutil.rmtree(folder / "cdk.out", ignore_errors=True)
    return Template.from_stack(found)


def test_the_function_has_the_code_the_variables_and_the_permission_of_the_page(template: Template) -> None:
    functions = template.find_resources("AWS::Lambda::Function")
    (function,) = (each["Properties"] for name, each in functions.items() if name.startswith("News"))
    assert function["Code"] == {"ZipFile": CODE}
    assert set(function["Environment"]["Variables"]) == {"AWS_ENDPOINT_URL_IOT_DATA_PLANE"}
    (policy,) = template.find_resources("AWS::IAM::Policy").values()
    (granted,) = policy["Properties"]["PolicyDocument"]["Statement"]
    *_, resource = granted["Resource"]["Fn::Join"][1]
    shown = json.loads(STATEMENT)
    assert shown == {**granted, "Resource": f"arn:aws:iot:us-east-1:123456789012{resource}"}


def test_the_statements_for_claims_are_those_of_the_page(tmp_path: Path) -> None:
    place = Environment(account="123456789012", region="us-east-1")
    stack = Stack(App(), "Test", env=place)
    table = aws_dynamodb.Table.from_table_name(stack, "Identities", "identities")
    authorizer = IotCustomAuthorizer(stack, "Authorizer", code=write_code(tmp_path / "lambda"), table=table)
    role = aws_iam.Role(stack, "Backend", assumed_by=aws_iam.ServicePrincipal("lambda.amazonaws.com"))
    authorizer.grant_change_claims(role, add_missing=True)
    authorizer.grant_disconnect(role, "*")
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    for statement in found:
        statement["Resource"] = "".join(
            "aws" if isinstance(part, dict) else part for part in statement["Resource"]["Fn::Join"][1]
        )
    assert found == json.loads(STATEMENTS)
