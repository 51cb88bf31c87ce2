"""By which entry of the template something was allowed, or was not."""

import base64
import json
from pathlib import Path

import jwt
import pytest

from iot_authorizer_cli.project.configured import Configured, read_configured
from iot_authorizer_cli.project.explanations import Explanations
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


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "passwords.toml").write_text('[users.bob]\nhash = "…"\nclaims = { rooms = ["attic"] }\n')
    return read_configured(tmp_path / "authorizer.toml", "arn:aws:lambda:us-east-1:123456789012:function:authorizer")


def token(name: str, *rooms: str) -> str:
    return jwt.encode({"sub": name, "rooms": rooms}, "x" * 32, "HS256")


def explained(configured: Configured, event: dict[str, object], topic: str, **logged: str) -> tuple[str, ...]:
    authorization = Authorization(ANSWER, "chat", event, logged)
    explanations = Explanations(lambda: configured)
    return tuple(explanations.explain(authorization, "publish", topic, "ann")())


def test_the_claims_are_those_of_the_token(configured: Configured) -> None:
    event: dict[str, object] = {"token": token("ann", "lobby")}
    assert explained(configured, event, "rooms/lobby/say", principal="ann", door="token") == BY_ROOMS


def test_another_token_in_a_header_is_not_taken_for_the_clients(configured: Configured) -> None:
    headers = {"Cookie": f"session={token('somebody', 'attic')}"}
    event: dict[str, object] = {
        "protocolData": {"http": {"headers": headers, "queryString": f"?t={token('ann', 'lobby')}"}}
    }
    assert explained(configured, event, "rooms/lobby/say", principal="ann", door="query") == BY_ROOMS


def test_a_users_claims_are_those_of_the_password_file(configured: Configured) -> None:
    event: dict[str, object] = {"protocolData": {"mqtt": {"username": "bob", "password": "c2VjcmV0"}}}
    assert explained(configured, event, "rooms/attic/say", principal="bob", door="password") == BY_ROOMS


def test_an_anonymous_clients_claims_are_those_of_the_configuration(configured: Configured) -> None:
    assert explained(configured, {}, "rooms/hall/say", principal="anonymous", door="anonymous") == BY_ROOMS


def test_what_is_refused_is_explained_too(configured: Configured) -> None:
    (reason,) = explained(
        configured, {"token": token("ann", "lobby")}, "rooms/attic/say", principal="ann", door="token"
    )
    assert reason.endswith("is for another claims.rooms")


def test_a_client_that_is_not_named_is_not_explained(configured: Configured) -> None:
    assert explained(configured, {"token": token("ann", "lobby")}, "rooms/lobby/say") == ()


def test_no_other_token_that_a_client_brings_along_is_taken_for_its_own(configured: Configured) -> None:
    name = f"?x={token('ann', 'attic')}&t={token('ann', 'lobby')}"
    event: dict[str, object] = {"protocolData": {"mqtt": {"username": name, "password": "c2VjcmV0"}}}
    assert explained(configured, event, "rooms/lobby/say", principal="ann", door="user_name") == BY_ROOMS
    assert explained(configured, event, "rooms/attic/say", principal="ann", door="user_name") != BY_ROOMS


@pytest.mark.parametrize(
    ("door", "protocols"),
    [
        ("header", {"http": {"headers": {"X-Other": "n\u00f6", "T": "TOKEN"}}}),
        ("authorization", {"http": {"headers": {"authorization": "Bearer TOKEN"}}}),
        ("query", {"http": {"queryString": "?access_token=TOKEN&x=1"}}),
        ("user_name", {"mqtt": {"username": "ann?SDK=x&t=TOKEN"}}),
    ],
)
def test_the_token_is_looked_for_where_the_lambda_found_it(
    configured: Configured, door: str, protocols: dict[str, object]
) -> None:
    event = json.loads(json.dumps({"protocolData": protocols}).replace("TOKEN", token("ann", "lobby")))
    assert explained(configured, event, "rooms/lobby/say", principal="ann", door=door) == BY_ROOMS


def test_a_jwt_may_be_the_password(configured: Configured) -> None:
    password = base64.b64encode(token("ann", "lobby").encode()).decode()
    event: dict[str, object] = {"protocolData": {"mqtt": {"password": password}}}
    assert explained(configured, event, "rooms/lobby/say", principal="ann", door="password") == BY_ROOMS


def test_a_decision_is_explained_by_the_policy_that_made_it(configured: Configured, tmp_path: Path) -> None:
    in_force = configured
    authorization = Authorization(
        ANSWER, "chat", {"token": token("ann", "lobby")}, {"principal": "ann", "door": "token"}
    )
    find = Explanations(lambda: in_force).explain(authorization, "publish", "rooms/lobby/say", "ann")
    (tmp_path / "policy.toml").write_text('[[grant]]\nconnect = ["{principal}"]\n')
    in_force = read_configured(tmp_path / "authorizer.toml", configured.description.function_arn)
    assert tuple(find()) == BY_ROOMS
