"""The built directory starts from its preparation, as long as this is of the same files and variables."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import read_preparation
from iot_authorizer.preparing import prepare
from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.locked_packages import install
from iot_authorizer_cdk.package.target import Target, this_machine
from iot_policies import InvalidFile
from tests import ROOT

pytestmark = pytest.mark.slow

PREFIX = {"AUTHORIZER__TOPIC_PREFIX": "dev"}
LATE = {"AUTHORIZER__NAME": "fleet-signed", "AUTHORIZER__TABLE": "identities"}
CONFIGURATION = 'name = "fleet"\npolicy = "fleet.toml"\n[anonymous]\nprincipal = "guest"\n'
TEMPLATE = '[[grant]]\nconnect = ["{principal}"]\nconnect_with = []\npublish = ["telemetry/{principal}"]\n'
ANSWER = """\
import json, sys
sys.path[:] = [sys.argv[1], *(entry for entry in sys.path if "site-packages" not in entry)]
from iot_authorizer.handler import lambda_handler
class Context:
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
answer = lambda_handler({"protocolData": {"mqtt": {"clientId": sys.argv[2]}}}, Context)
print(json.dumps([answer["principalId"], json.dumps(answer["policyDocuments"]), "pydantic" in sys.modules]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "fleet.toml").write_text(TEMPLATE)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    return folder / "authorizer.toml"


@pytest.fixture(scope="module")
def built(project: Path) -> Path:
    return build(project, project.parent / "built/code", this_machine(), PREFIX).directory


def answer(directory: Path, variables: Mapping[str, str], client_id: str = "guest") -> tuple[str, str, bool]:
    """The principal ID and documents of an anonymous client, and whether the configuration was checked."""
    command = [sys.executable, "-I", "-S", "-c", ANSWER, str(directory), client_id]
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True)
    principal, documents, checked = json.loads(done.stdout.splitlines()[-1])
    return principal, documents, checked


def test_the_function_starts_without_checking_its_configuration_again(built: Path) -> None:
    principal, documents, checked = answer(built, PREFIX)
    assert (principal, "topic/dev/telemetry/guest" in documents, checked) == ("guest", True, False)


def test_other_variables_count_and_the_configuration_is_checked_again(built: Path) -> None:
    principal, documents, checked = answer(built, {"AUTHORIZER__TOPIC_PREFIX": "prod"})
    assert (principal, "topic/prod/telemetry/guest" in documents, checked) == ("guest", True, True)


def test_another_configuration_or_template_counts_and_is_checked_again(built: Path, tmp_path: Path) -> None:
    code = shutil.copytree(built, tmp_path / "code")
    (code / "authorizer.toml").write_text(CONFIGURATION.replace('"guest"', '"visitor"'))
    principal, documents, checked = answer(code, PREFIX, "visitor")
    assert (principal, "client/visitor" in documents, checked) == ("visitor", True, True)


def test_the_construct_may_set_name_and_table_afterwards(built: Path) -> None:
    found = read_preparation(built / "authorizer.toml", {**PREFIX, **LATE})
    assert found is not None
    assert (found.name, found.table) == ("fleet-signed", "identities")


@pytest.mark.parametrize(
    "name",
    ["authorizer.prepared.json", "Authorizer.Prepared.json", "authorizer.prepared.json/keys.json", "built-for.json"],
)
def test_a_file_or_folder_with_its_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text('{"keys": []}')
    (tmp_path / "fleet.toml").write_text(TEMPLATE)
    config = tmp_path / "other.toml"
    issuer = f'[[jwt]]\nissuer = "a"\naudience = ["a"]\nalgorithms = ["RS256"]\njwks = "{name}"\n'
    config.write_text(CONFIGURATION + issuer)
    with pytest.raises(InvalidFile, match=f"{name}: the Lambda has files with these names"):
        build(config, tmp_path / "code", this_machine())


def test_what_is_prepared_is_what_is_in_the_directory_if_a_file_is_edited_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "authorizer.toml"
    config.write_text(CONFIGURATION)
    (tmp_path / "fleet.toml").write_text(TEMPLATE)

    def install_and_edit(directory: Path, target: Target, files: Sequence[Path]) -> None:
        install(directory, target, files)
        config.write_text(f'table = "identities"\n{CONFIGURATION}')
        (tmp_path / "fleet.toml").write_text(TEMPLATE.replace("telemetry", "alarms"))

    monkeypatch.setattr("iot_authorizer_cdk.package.lambda_directory.install", install_and_edit)
    code = build(config, tmp_path / "code", this_machine()).directory / "authorizer.toml"
    found, expected = read_preparation(code, {}), prepare(load_configuration(code, {}), code.parent)
    assert found is not None
    assert (found.table, json.dumps(found.plan.to_json())) == (expected.table, json.dumps(expected.plan.to_json()))
    assert "topic/alarms/" in json.dumps(found.plan.to_json())


def test_a_project_is_prepared_with_a_table_that_only_the_deployment_knows(tmp_path: Path) -> None:
    shutil.copy(ROOT / "policies/chat.toml", tmp_path)
    config = tmp_path / "authorizer.toml"
    config.write_text('name = "chat"\npolicy = "chat.toml"\n[passwords]\n')
    code = build(config, tmp_path / "code", this_machine()).directory / "authorizer.toml"
    assert read_preparation(code, {}) is None
    assert read_preparation(code, {"AUTHORIZER__TABLE": "identities"}) is not None
