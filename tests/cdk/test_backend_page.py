"""The app of docs/how-to/publish-from-a-backend.md: its function has the variables and the permission of the page."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from tests import ROOT
from tests.cdk.conftest import write_code

PAGE = (ROOT / "docs/how-to/publish-from-a-backend.md").read_text("utf-8")
CODE, APP = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(STATEMENT,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


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
