"""By which entry of the template a decision is explained."""

import base64
import json
from pathlib import Path

import jwt
import pytest

from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.explanations import decision_reasons
from iot_core.authorizers.answer import AuthorizerAnswer
from iot_core.authorizers.invocation import Authorization

ANSWER = AuthorizerAnswer(
    isAuthenticated=True,
    principalId="ann",
    policyDocuments=[],
    disconnectAfterInSeconds=300,
    refreshAfterInSeconds=300,
)
CONFIGURATION = """\
name = "chat"
policy = "policy.toml"
token_key_name = "t"

[passwords]
file = "passwords.toml"

[anonymous]
principal = "anonymous"
claims    = { rooms = ["hall"] }
"""
POLICY = """\
[[grant]]
name    = "rooms"
connect = ["{principal}"]
publish = ["rooms/{claims.rooms}/say"]
"""
BY_ROOMS = ('by grant "rooms", publish = "rooms/{claims.rooms}/say"',)


def read(folder: Path) -> ProjectConfiguration:
    function = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"
    return read_project_configuration(folder / "authorizer.toml", function)


@pytest.fixture
def configuration(tmp_path: Path) -> ProjectConfiguration:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "passwords.toml").write_text('[users.bob]\nhash = "…"\nclaims = { rooms = ["attic"] }\n')
    return read(tmp_path)


def token(name: str, **claims: object) -> str:
    return jwt.encode({"sub": name, **claims}, "x" * 32, "HS256")


ANN, OTHER = token("ann", rooms=["lobby"]), token("bob", rooms=["attic"])


def explained(
    configuration: ProjectConfiguration, event: dict[str, object], topic: str, **logged: str
) -> tuple[str, ...]:
    authorization = Authorization(ANSWER, "chat", event, logged)
    return tuple(decision_reasons(configuration, authorization, "publish", topic, "ann"))


@pytest.mark.parametrize(
    ("source", "protocols"),
    [
        ("header", {"http": {"headers": {"X-Other": "n\u00f6", "T": ANN}}}),
        ("authorization", {"http": {"headers": {"authorization": f"Bearer {ANN}"}}}),
        ("query", {"http": {"queryString": f"?access_token={ANN}&x=1"}}),
        ("query", {"http": {"queryString": f"?t={ANN}", "headers": {"Cookie": f"session={OTHER}"}}}),
        ("user_name", {"mqtt": {"username": f"ann?SDK=x&t={ANN}"}}),
        ("user_name", {"mqtt": {"username": f"?x={OTHER}&t={ANN}"}}),
        ("password", {"mqtt": {"password": base64.b64encode(ANN.encode()).decode()}}),
    ],
)
def test_the_token_is_the_one_that_the_lambda_found_and_no_other(
    configuration: ProjectConfiguration, source: str, protocols: dict[str, object]
) -> None:
    event = json.loads(json.dumps({"protocolData": protocols}))
    assert explained(configuration, event, "rooms/lobby/say", principal="ann", source=source) == BY_ROOMS
    assert explained(configuration, event, "rooms/attic/say", principal="ann", source=source) != BY_ROOMS


@pytest.mark.parametrize(
    ("event", "topic", "principal", "source"),
    [
        ({"token": ANN}, "rooms/lobby/say", "ann", "token"),
        ({"protocolData": {"mqtt": {"username": "bob", "password": "c2VjcmV0"}}}, "rooms/attic/say", "bob", "password"),
        ({}, "rooms/hall/say", "anonymous", "anonymous"),
    ],
    ids=["of the token", "of the password file", "of the configuration"],
)
def test_the_claims_come_from_where_the_lambda_has_them(
    configuration: ProjectConfiguration, event: dict[str, object], topic: str, principal: str, source: str
) -> None:
    assert explained(configuration, event, topic, principal=principal, source=source) == BY_ROOMS


def test_a_scope_is_a_list_as_the_lambda_reads_it(tmp_path: Path, configuration: ProjectConfiguration) -> None:
    (tmp_path / "policy.toml").write_text('[[grant]]\nwhen = { scope = "chat" }\npublish = ["hall"]\n')
    event: dict[str, object] = {"token": token("ann", scope="openid chat")}
    (reason,) = explained(read(tmp_path), event, "hall", principal="ann", source="token")
    assert reason.startswith("by grant")


def test_a_refusal_is_explained_too(configuration: ProjectConfiguration) -> None:
    (reason,) = explained(configuration, {"token": ANN}, "rooms/attic/say", principal="ann", source="token")
    assert reason.endswith('claims.rooms is "lobby", the topic needs "attic"')


@pytest.mark.parametrize(
    ("event", "logged"),
    [({"token": ANN}, {}), ({"protocolData": 7}, {"principal": "eve", "source": "password"})],
    ids=["no principal", "an event that is none"],
)
def test_a_client_that_is_not_known_is_not_explained(
    configuration: ProjectConfiguration, event: dict[str, object], logged: dict[str, str]
) -> None:
    assert explained(configuration, event, "rooms/lobby/say", **logged) != BY_ROOMS


@pytest.mark.parametrize(
    ("action", "authorizer", "template"),
    [("publish", "another", POLICY), ("fly", "chat", POLICY), ("publish", "chat", None)],
    ids=["another authorizer", "an action without a question", "grants from code"],
)
def test_what_no_template_decides_is_not_explained(
    tmp_path: Path, configuration: ProjectConfiguration, action: str, authorizer: str, template: str | None
) -> None:
    if template is None:
        (tmp_path / "authorizer.toml").write_text('name = "chat"\n')
        configuration = read(tmp_path)
    authorization = Authorization(ANSWER, authorizer, {"token": ANN}, {"principal": "ann", "source": "token"})
    assert decision_reasons(configuration, authorization, action, "rooms/lobby/say", "ann") == ()


def test_a_value_that_cannot_be_in_a_topic_is_the_reason(configuration: ProjectConfiguration) -> None:
    event: dict[str, object] = {"token": token("ann", rooms=["a/b"])}
    reasons = explained(configuration, event, "rooms/lobby/say", principal="ann", source="token")
    assert reasons[0].startswith("unsafe_value: ")
