"""The app in TypeScript of docs/how-to/use-in-a-typescript-app.md: Node.js runs it, and its template is compared.

The JavaScript of the CDK is in its Python packages. Node.js strips the types, and nothing checks them here: `tsc
--strict` of TypeScript 5.9 found no mistake.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, aws_cognito
from aws_cdk.assertions import Match, Template

from iot_authorizer_cdk import IotCustomAuthorizer, Issuer
from tests import ROOT
from tests.cdk.conftest import write_code
from tests.cdk.intrinsics import filled
from tests.clients.needs import needs

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/how-to/use-in-a-typescript-app.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FUNCTION = "AWS::Lambda::Function"
PERMISSION = "AWS::Lambda::Permission"


NPM = {
    "aws_cdk": "aws-cdk-lib",
    "aws_cdk.cloud_assembly_schema": "@aws-cdk/cloud-assembly-schema",
    "constructs": "constructs",
}
"""The npm packages of the CDK, by the Python packages that contain them."""


def unpack(folder: Path) -> None:
    """Unpacks the npm packages, as `npm install` would."""
    for name, npm in NPM.items():
        (archive,) = Path(str(importlib.import_module(name).__file__)).parent.joinpath("_jsii").glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(folder / "unpacked", filter="data")
        place = folder / "node_modules" / npm
        place.parent.mkdir(parents=True, exist_ok=True)
        (folder / "unpacked/package").rename(place)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template that the app of the page synthesizes."""
    folder = tmp_path_factory.mktemp("typescript")
    found = dict(BLOCK.findall(PAGE.read_text("utf-8")))
    unpack(folder)
    (folder / "chat.mts").write_text(found["ts"])
    (folder / "build").mkdir()
    write_code(folder / "build/lambda")
    command = [needs("node"), "--no-warnings", "--experimental-strip-types", "chat.mts"]
    subprocess.run(command, cwd=folder, env={**os.environ, "CDK_OUTDIR": "out"}, check=True)
    return folder / "out/Chat.template.json"


@pytest.fixture(scope="module")
def template(output: Path) -> Template:
    return Template.from_string(output.read_text())


@pytest.fixture(scope="module")
def construct(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The same app with the construct."""
    stack = Stack(App(), "Chat")
    pool = aws_cognito.UserPool(stack, "Users")
    config = write_code(tmp_path_factory.mktemp("python") / "lambda") / "authorizer.toml"
    config.write_text(config.read_text().partition("[[jwt]]")[0])
    issuer = Issuer.cognito(pool, clients=[pool.add_client("Web")])
    IotCustomAuthorizer(stack, "Authorizer", code=config.parent, issuers=[issuer])
    return Template.from_stack(stack)


def function(template: Template) -> dict[str, Any]:
    """The properties of the authorizer's function."""
    (found,) = template.find_resources(FUNCTION, {"Properties": {"MemorySize": 512}}).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def issuers(template: Template) -> list[dict[str, Any]]:
    variable = function(template)["Environment"]["Variables"]["AUTHORIZER__JWT"]
    found: list[dict[str, Any]] = json.loads(filled(variable, lambda late: json.dumps(late).replace('"', "'")))
    return found


@pytest.mark.parametrize("key", ["Handler", "Runtime", "Architectures", "MemorySize", "Timeout"])
def test_the_function_runs_like_that_of_the_construct(template: Template, construct: Template, key: str) -> None:
    assert function(template)[key] == function(construct)[key]


def test_the_function_gets_the_issuer_that_the_construct_would_give_it(template: Template, construct: Template) -> None:
    assert issuers(template) == issuers(construct)


def test_only_this_authorizer_of_this_account_may_invoke_the_function(template: Template) -> None:
    (invoked,) = template.find_resources(FUNCTION)
    (authorizer,) = template.find_resources("AWS::IoT::Authorizer")
    permission = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": [invoked, "Arn"]},
        "Principal": "iot.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [authorizer, "Arn"]},
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }
    template.resource_properties_count_is(PERMISSION, permission, 1)
    template.resource_count_is(PERMISSION, 1)
    properties = {"AuthorizerFunctionArn": {"Fn::GetAtt": [invoked, "Arn"]}, "Status": "ACTIVE", "Tags": Match.absent()}
    template.has_resource_properties("AWS::IoT::Authorizer", properties)


def test_cfn_lint_finds_only_what_the_cdk_always_writes(output: Path) -> None:
    program = Path(sys.executable).with_name("cfn-lint")
    twice = "W3005"  # The function depends on its role, which it names anyway.
    done = subprocess.run([program, "-i", twice, "--", output], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
