"""The Lambda function as Lambda starts it: in an interpreter that has loaded nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from iot_authorizer import Reason
from iot_authorizer.configuration import load_configuration
from iot_authorizer.preparation import write_preparation
from iot_authorizer.preparing import prepare
from iot_identities.passwords import hash_password
from tests import PACKAGES_PATH
from tests.authorizer.events import Event, bearer, event, with_password
from tests.authorizer.handlers import Context, Outcome, jwt_table, table, write
from tests.authorizer.keys import signing_key
from tests.authorizer.tokens import ISSUER, mint

pytestmark = pytest.mark.slow

CHECKING = {"pydantic", "tomllib", "iot_authorizer.configuration", "iot_policies.template"}
"""What checks a configuration and its template."""
HEAVY = {"boto3", "botocore.", "aws_xray_sdk", "yaml", "argon2", *CHECKING}
"""How the names of modules begin that take their time. Powertools imports botocore's empty outermost package."""
PROGRAM = """
import json, sys
from iot_authorizer.handler import lambda_handler
class Context: invoked_function_arn = sys.argv[1]
answer = lambda_handler(json.loads(sys.argv[2]), Context())
sys.stderr.write(json.dumps({"answer": answer, "modules": sorted(sys.modules)}))
"""


def run(program: str, config: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": PACKAGES_PATH,
            "AUTHORIZER_CONFIG": str(config),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def answered(config: Path, event: Event, **environment: str) -> tuple[Outcome, set[str]]:
    """What a new process answers, and which of the heavy modules it needed."""
    finished = run(PROGRAM, config, str(Context().invoked_function_arn), json.dumps(event), **environment)
    result = json.loads(finished.stderr)
    return Outcome(result["answer"], finished.stdout), {
        each for each in HEAVY for name in result["modules"] if name.startswith(each)
    }


FORGED = mint(signing_key("RS256", "forger"), head={"kid": "main-RS256"})
WAYS: Mapping[str, tuple[str, Event, str]] = {
    "jwt": (jwt_table(), bearer(mint()), "allowed"),
    "forged": (jwt_table(), bearer(FORGED), Reason.BAD_SIGNATURE),
    "signed": (table("[signed_tokens]", issuer=ISSUER), event(token=mint(aud=...), signature_verified=True), "allowed"),
    "anonymous": (table("[anonymous]", principal="guest"), {}, "allowed"),
}


@pytest.mark.parametrize(("configuration", "event", "verdict"), WAYS.values(), ids=WAYS)
def test_a_new_process_answers_and_loads_only_what_it_needs(
    tmp_path: Path, configuration: str, event: Event, verdict: str
) -> None:
    outcome, modules = answered(write(tmp_path, configuration), event)
    assert (outcome.verdict, modules) == (verdict, CHECKING)


@pytest.mark.parametrize(("configuration", "event", "verdict"), WAYS.values(), ids=WAYS)
def test_a_prepared_process_answers_alike_and_checks_neither_configuration_nor_template(
    tmp_path: Path, configuration: str, event: Event, verdict: str
) -> None:
    config = write(tmp_path, configuration)
    preparation = prepare(load_configuration(config, {}), tmp_path)
    write_preparation(preparation, config, [Path("policy.toml"), Path("keys.json")], {})
    outcome, modules = answered(config, event)
    assert (outcome.verdict, modules) == (verdict, set())


OWN_GRANT = """
import sys
from iot_authorizer import Authorizer, LambdaHandler, Principal
def grant(principal):
    from iot_authorizer import Grant
    return Grant(connect=("ann",))
handler = LambdaHandler(Authorizer(verify=lambda _: Principal("ann"), grant=grant))
before = set(sys.modules)
class Context: invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
answer = handler({"protocolData": {"mqtt": {"clientId": "ann"}}}, Context())
print(answer["isAuthenticated"], sorted(name for name in set(sys.modules) - before if name.startswith("iot_policies")))
"""


def test_with_a_grant_of_your_own_the_first_client_waits_for_no_module_of_templates(tmp_path: Path) -> None:
    finished = run(OWN_GRANT, write(tmp_path, jwt_table()))
    assert finished.stdout.splitlines()[-1:] == ["True []"], finished.stderr


def test_passwords_load_argon2_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "users.toml").write_text(table("[users.ann]", hash=hash_password("secret")))
    config = write(tmp_path, table("[passwords]", file="users.toml"))
    outcome, modules = answered(config, with_password("ann", b"secret"))
    assert (outcome.verdict, modules) == ("allowed", {"argon2", *CHECKING})


NOWHERE = {
    "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
}


def test_a_table_loads_botocore_and_nothing_for_passwords(tmp_path: Path) -> None:
    config = write(tmp_path, table("", table="identities") + jwt_table())
    outcome, modules = answered(config, bearer(mint()), **NOWHERE)
    assert (outcome.verdict, modules) == (Reason.TABLE_UNAVAILABLE, {"botocore.", *CHECKING})


BROKEN = {
    "configuration": ("authorizer.toml", '[[jwt]]\nissuer = ""\n', "authorizer.toml:5: jwt[0].issuer: "),
    "template": ("policy.toml", '[[grant]]\npublish = ["a/*"]\n', 'policy.toml:2: grant[0].publish[0]: "a/*": '),
    "template-key": ("policy.toml", "[[grant]]\npublsh = []\n", "policy.toml:2: grant[0].publsh: is not a key"),
    "keys": ("keys.json", "{}", "keys.json: expected a JWKS"),
}


@pytest.mark.parametrize(("name", "text", "expected"), BROKEN.values(), ids=BROKEN)
def test_a_wrong_file_is_refused_when_the_function_starts(tmp_path: Path, name: str, text: str, expected: str) -> None:
    config = write(tmp_path, jwt_table())
    before = config.read_text().partition("[[jwt]]")[0] if name == config.name else ""
    (tmp_path / name).write_text(before + text)
    finished = run("import iot_authorizer.handler", config)
    last = finished.stderr.splitlines()[-1]
    assert (finished.returncode, expected in last) == (1, True), last


def test_in_lambda_development_keys_are_refused_when_the_function_starts(tmp_path: Path) -> None:
    config = write(tmp_path, jwt_table())
    development = {"AUTHORIZER_DEVELOPMENT_JWKS": str(tmp_path / "keys.json"), "AWS_LAMBDA_FUNCTION_NAME": "a"}
    assert "never for Lambda" in run("import iot_authorizer.handler", config, **development).stderr.splitlines()[-1]


def test_the_configuration_is_found_beside_the_function(tmp_path: Path) -> None:
    write(tmp_path, jwt_table())
    finished = subprocess.run(
        [sys.executable, "-c", "import iot_authorizer.handler"],
        cwd=tmp_path,
        env={"PYTHONPATH": PACKAGES_PATH},
        check=False,
    )
    assert finished.returncode == 0


@pytest.mark.parametrize(
    ("module", "freezes"), [("iot_authorizer.handler", True), ("iot_authorizer", False)], ids=["handler", "package"]
)
def test_garbage_is_collected_again_once_all_is_loaded(tmp_path: Path, module: str, freezes: bool) -> None:
    program = f"import gc, {module}; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    assert run(program, write(tmp_path, jwt_table())).stdout.strip() == f"True {freezes}"


def test_no_plugin_of_pydantic_is_looked_for_or_run(tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text("raise SystemExit('a plugin ran')")
    (tmp_path / "spy-1.0.dist-info").mkdir()
    (tmp_path / "spy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1.0\n")
    (tmp_path / "spy-1.0.dist-info" / "entry_points.txt").write_text("[pydantic]\nspy = spy:plugin\n")
    path = os.pathsep.join((PACKAGES_PATH, str(tmp_path)))
    finished = run(PROGRAM, write(tmp_path, jwt_table()), "arn:aws:lambda", "{}", PYTHONPATH=path)
    assert json.loads(finished.stderr)["answer"]["isAuthenticated"] is False
