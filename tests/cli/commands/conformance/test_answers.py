"""The function of the checks: its answers ask what their checks say, and only the checks' user gets them."""

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from iot_authorizer_cli.commands.conformance.answers import ANSWERS, AnswerRequest
from iot_authorizer_cli.commands.conformance.command import CHECKS
from iot_authorizer_cli.commands.conformance.project import read_project, write_project
from iot_core.authorizers.answer import InvalidAnswer, read_answer

ARN = "arn:aws:iot:eu-west-1:123456789012"
USUAL = {"isAuthenticated": True, "principalId": "ann", "disconnectAfterInSeconds": 900, "refreshAfterInSeconds": 900}
REFUSED: Mapping[str, str] = {
    "size-2049": "policyDocuments[1]: expected at most 2048 characters, found 2049",
    "size-escapes": "policyDocuments[1]: expected at most 2048 characters, found ",
    "size-object": "policyDocuments[1]: expected at most 2048 characters, found ",
    "size-spaces": "policyDocuments[1]: expected at most 2048 characters, found ",
    "documents-11": "policyDocuments: expected a list of at most 10 policy documents, found a list of 11",
    "document-broken": "policyDocuments[1]: expected JSON",
    "document-duplicate-key": "policyDocuments[1]: Effect: duplicate key in a JSON object",
    "document-empty": "policyDocuments[1]: Statement: expected a list of statements",
    "answer-short-refresh": "refreshAfterInSeconds: expected a whole number, 300 to 86400, found 299",
    "answer-principal-id": "principalId: expected 1 to 128 letters and digits of ASCII",
    "answer-times-missing": "refreshAfterInSeconds: expected a whole number, 300 to 86400",
    "condition-without-values": "policyDocuments[1]: Statement[0].Condition: ",
}
"""Why IoT Core on this machine refuses the others' answers."""
GIVEN = [each for each in ANSWERS if each != "answer-error"]
"""The checks that get an answer. The other one gets an error."""


def answer_of(check: str) -> dict[str, object]:
    asked = AnswerRequest(ARN, "ann", check, "9999999999")
    return json.loads(json.dumps({**USUAL, **ANSWERS[check](asked)}))  # type: ignore[no-any-return]


def documents(check: str) -> Sequence[object]:
    found = answer_of(check)["policyDocuments"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("check", GIVEN)
def test_an_answer_is_refused_only_for_what_its_check_asks_about(check: str) -> None:
    try:
        accepted, problem = read_answer(answer_of(check)), ""
    except InvalidAnswer as error:
        accepted, problem = None, str(error)
    assert (accepted is None, problem.startswith(REFUSED.get(check, ""))) == (check in REFUSED, True), problem


@pytest.mark.parametrize("check", ANSWERS)
def test_each_answer_belongs_to_a_check(check: str) -> None:
    assert check in CHECKS or any(name.startswith(f"{check}-") for name in CHECKS)


@pytest.mark.parametrize(
    ("check", "characters", "most_bytes"),
    [("size-2048", 2048, 2048), ("size-bytes", 2048, 4096), ("size-surrogates", 2048, 8192)],
)
def test_a_document_has_as_many_characters_as_its_check_says(check: str, characters: int, most_bytes: int) -> None:
    text = documents(check)[1]
    assert isinstance(text, str)
    assert (len(text), len(text.encode()) in range(most_bytes // 2, most_bytes + 1)) == (characters, True)


def allowed(check: str) -> Sequence[tuple[str, str]]:
    """The actions and resources that an answer allows."""
    contents = [each if isinstance(each, dict) else json.loads(str(each)) for each in documents(check)]
    statements = [each for content in contents for each in content["Statement"] if each["Effect"] == "Allow"]
    listed = [(each["Action"], each["Resource"]) for each in statements]
    return [(action, each) for action, found in listed for each in ([found] if isinstance(found, str) else found)]


@pytest.mark.parametrize("check", [each for each in GIVEN if each != "document-broken"])
def test_an_answer_allows_only_what_is_below_the_users_own_names(check: str) -> None:
    own = ("client/ann/", "topic/conformance/ann/", "topicfilter/conformance/ann/")
    others = {each for each in allowed(check) if not each[1].removeprefix(f"{ARN}:").startswith(own)}
    rules = {("iot:Publish", f"{ARN}:topic/$aws/rules/{rest}") for rest in ("conformance_no_rule", "/x")}
    assert others <= (rules | {("iot:ListRetainedMessages", "*")})


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module of a project, as the Lambda function imports it."""
    folder = tmp_path_factory.mktemp("answers") / "checks"
    write_project(folder)
    spec = spec_from_file_location("answers", folder / "answers.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTEXT = SimpleNamespace(invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:conformance")


def answered(module: ModuleType, client_id: str, password: str | None = None) -> Mapping[str, object]:
    project = read_project(Path(str(module.__file__)).parent)
    mqtt = {
        "clientId": client_id.replace("USER", project.user),
        "username": project.user,
        "password": base64.b64encode((password or project.password).encode()).decode(),
    }
    event = {"protocols": ["mqtt"], "protocolData": {"mqtt": mqtt}}
    return module.lambda_handler(event, CONTEXT)  # type: ignore[no-any-return]


def test_the_function_answers_what_a_check_asks_for(deployed: ModuleType) -> None:
    assert answered(deployed, "USER/disconnect-after-a")["disconnectAfterInSeconds"] == 300


def test_a_client_that_asks_for_nothing_gets_the_usual_answer(deployed: ModuleType) -> None:
    assert answered(deployed, "USER/publish-allowed-5-a")["refreshAfterInSeconds"] == 900


def test_a_check_whose_time_is_over_gets_its_other_answer(deployed: ModuleType) -> None:
    assert answered(deployed, "USER/refresh-refused-1.000")["isAuthenticated"] is False


@pytest.mark.parametrize("client_id", ["USER/answer-error-a", "USER/refresh-failed-1.000"])
def test_the_function_fails_if_a_check_asks_for_that(deployed: ModuleType, client_id: str) -> None:
    with pytest.raises(RuntimeError, match="asks for this error"):
        answered(deployed, client_id)


@pytest.mark.parametrize(
    ("client_id", "password"), [("USER/disconnect-after-a", "wrong"), ("other/disconnect-after-a", None)]
)
def test_nobody_but_the_checks_user_gets_an_answer(deployed: ModuleType, client_id: str, password: str | None) -> None:
    assert answered(deployed, client_id, password)["isAuthenticated"] is False
