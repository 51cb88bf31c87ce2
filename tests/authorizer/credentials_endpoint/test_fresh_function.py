"""The function of the endpoint as Lambda starts it: in an interpreter that has loaded nothing."""

import json
from pathlib import Path

import pytest

from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import write_preparation
from iot_authorizer.preparing import prepare
from tests.authorizer.credentials_endpoint.endpoint import ROLE, request
from tests.authorizer.handlers import jwt_table, table, write
from tests.authorizer.test_fresh_interpreter import CHECKING, run

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from iot_authorizer.credentials_handler import lambda_handler
print(json.dumps(lambda_handler(json.loads(sys.argv[1]))), file=sys.stderr)
"""
STARTS = """
import atexit, sys
atexit.register(lambda: print(*sys.modules))
import iot_authorizer.credentials_handler
"""
"""Prints which modules it needed, also if it fails."""
ENDPOINT = "abc-ats.iot.eu-west-1.amazonaws.com"
ENVIRONMENT = {
    "AUTHORIZER__CREDENTIALS__ROLE": ROLE,
    "AUTHORIZER__CREDENTIALS__ENDPOINT": ENDPOINT,
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def test_the_function_starts_with_what_the_construct_sets(tmp_path: Path) -> None:
    config = write(tmp_path, jwt_table(), "[credentials]\n")
    finished = run(PROGRAM, config, json.dumps(request()), **ENVIRONMENT)
    assert json.loads(json.loads(finished.stderr)["body"])["Code"] == "account_unknown"
    assert '"service":"authorizer-tests-credentials"' in finished.stdout


def prepared(folder: Path, *tables: str) -> Path:
    """A configuration with its preparation, as a build makes both."""
    config = write(folder, jwt_table(), *tables)
    files = [Path("policy.toml"), Path("keys.json")]
    write_preparation(prepare(load_configuration(config, {}), folder), config, files, {})
    return config


def test_a_prepared_function_answers_alike_and_checks_neither_configuration_nor_template(tmp_path: Path) -> None:
    config = prepared(tmp_path, "[credentials]")
    finished = run(f"{PROGRAM}\nprint(*sys.modules, sep='\\n')", config, json.dumps(request()), **ENVIRONMENT)
    assert json.loads(json.loads(finished.stderr)["body"])["Code"] == "account_unknown"
    assert not CHECKING & {*finished.stdout.splitlines()}


@pytest.mark.parametrize(
    ("tables", "given", "expected"),
    [
        ("", {}, "credentials: missing: the credentials endpoint needs this table"),
        ("[credentials]", {}, "credentials.role: missing: the construct sets it"),
        (
            "[credentials]",
            {"AUTHORIZER__CREDENTIALS__ROLE": ROLE},
            "credentials.endpoint: missing: the construct sets it",
        ),
    ],
    ids=["table", "role", "endpoint"],
)
def test_what_a_preparation_lacks_stops_the_function_when_it_starts(
    tmp_path: Path, tables: str, given: dict[str, str], expected: str
) -> None:
    finished = run(STARTS, prepared(tmp_path, tables), **given)
    assert expected in finished.stderr.splitlines()[-1]
    assert not CHECKING & {*finished.stdout.split()}


WRONG = {
    "table": ("", {}, "credentials: missing: the credentials endpoint needs this table"),
    "role": ("[credentials]\n", {}, "credentials.role: missing: the construct sets it"),
    "endpoint": (table("[credentials]", role=ROLE), {}, "credentials.endpoint: missing: the construct sets it"),
    "origin": (
        table("[credentials]", origins=["https://a.example/"]),
        {},
        "credentials.origins[0]: expected an origin such as",
    ),
    "development": (
        table("[credentials]", role=ROLE, endpoint=ENDPOINT),
        {"AUTHORIZER_DEVELOPMENT_STS": "sts.json", "AWS_LAMBDA_FUNCTION_NAME": "a"},
        "never for Lambda",
    ),
}


@pytest.mark.parametrize(("tables", "environment", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_missing_stops_the_function_when_it_starts(
    tmp_path: Path, tables: str, environment: dict[str, str], expected: str
) -> None:
    finished = run("import iot_authorizer.credentials_handler", write(tmp_path, jwt_table(), tables), **environment)
    assert expected in finished.stderr.splitlines()[-1]
