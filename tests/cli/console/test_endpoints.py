"""What the page asks for, over HTTP."""

import asyncio
import dataclasses
import json

import jwt
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from iot_authorizer_cli.console.app import routes
from iot_authorizer_cli.console.bodies import MOST_CLAIMS
from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import Ask

ANN = {"principal": "ann", "claims": {"rooms": ["lobby"]}}
QUESTION = {**ANN, "action": "publish", "resource": "rooms/lobby/say/ann"}
POSTED = ("/console/token", "/console/policy", "/console/explain")


def claims_of(token: object) -> dict[str, object]:
    found = jwt.decode(str(token), options={"verify_signature": False})
    assert isinstance(found, dict)
    return found


def test_a_token_is_of_the_principal_and_holds_its_claims(ask: Ask) -> None:
    claims = claims_of(ask("/console/token", ANN).json["token"])
    assert (claims["sub"], claims["rooms"]) == ("ann", ["lobby"])


def test_a_token_lives_as_long_as_wanted(ask: Ask) -> None:
    claims = claims_of(ask("/console/token", {**ANN, "expires_in": 90}).json["token"])
    assert (claims["exp"], type(claims["iat"])) == (int(str(claims["iat"])) + 90, int)


def test_a_token_that_has_expired_can_be_had(ask: Ask) -> None:
    claims = claims_of(ask("/console/token", {**ANN, "expires_in": -60}).json["token"])
    assert int(str(claims["exp"])) < int(str(claims["iat"]))


def test_claims_can_not_name_another_issuer(ask: Ask) -> None:
    claims = claims_of(ask("/console/token", {"principal": "ann", "claims": {"iss": "x", "sub": "bob"}}).json["token"])
    assert (claims["iss"], claims["sub"]) == ("urn:iot-authorizer:development", "ann")


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_taken_since_another_sites_page_can_not_send_it(ask: Ask, path: str, kind: str) -> None:
    assert ask(path, body=json.dumps(QUESTION).encode(), kind=kind).status == 415


@pytest.mark.parametrize("path", POSTED)
def test_nothing_is_given_for_a_get(ask: Ask, path: str) -> None:
    assert ask(path).status == 405


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"principal": ""}, "principal", "expected a text that is not empty"),
        ({"principal": 7}, "principal", "expected a text"),
        ({"principal": "a" * 1025}, "principal", "is too long"),
        ({"claims": ["lobby"]}, "claims", 'expected a JSON object, as in {"rooms": ["lobby"]}'),
        ({"claims": {"a": "x" * MOST_CLAIMS}}, "claims", "expected at most 65,536 characters"),
        ({"expires_in": "1h"}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": True}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": 1e300}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": 10**9}, "expires_in", "expected at most 30 days"),
        ({"admin": True}, "admin", "is not known here"),
    ],
)
def test_a_wrong_wish_is_refused_with_its_field(ask: Ask, change: dict[str, object], field: str, message: str) -> None:
    answer = ask("/console/token", {**ANN, **change})
    assert (answer.status, answer.json) == (400, {"message": message, "field": field})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b'{"principal": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_refused(ask: Ask, body: bytes) -> None:
    assert ask("/console/token", body=body).status == 400


def test_claims_that_are_nested_without_end_are_refused(ask: Ask) -> None:
    deep = b'{"principal": "ann", "claims": {"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}"
    assert ask("/console/token", body=deep).status == 400


def test_a_body_without_end_is_refused(ask: Ask) -> None:
    assert ask("/console/token", body=b" " * 200_000).status == 413


def test_a_name_that_utf_8_can_not_hold_is_refused(ask: Ask) -> None:
    answer = ask("/console/token", {**ANN, "principal": "\ud800"})
    assert answer.json == {"message": "expected a text of Unicode characters", "field": "principal"}


@pytest.mark.parametrize("path", POSTED)
def test_a_claim_that_utf_8_can_not_hold_is_answered(ask: Ask, path: str) -> None:
    wanted = QUESTION if path == "/console/explain" else ANN
    assert ask(path, {**wanted, "claims": {"rooms": ["\ud800"]}}).status == 200


def test_a_question_is_answered_with_the_entry(ask: Ask) -> None:
    answer = ask("/console/explain", QUESTION).json
    assert answer == {
        "allowed": True,
        "reasons": ['by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"'],
    }


def test_a_no_is_explained(ask: Ask) -> None:
    answer = ask("/console/explain", {**QUESTION, "resource": "rooms/lobby/mute/bob"}).json
    assert (answer["allowed"], "needs role = moderator or admin" in str(answer["reasons"])) == (False, True)


@pytest.mark.parametrize("action", ["publish", "retain", "receive"])
def test_a_question_about_a_topic_names_one_topic(ask: Ask, action: str) -> None:
    answer = ask("/console/explain", {**QUESTION, "action": action, "resource": "rooms/#"})
    assert answer.json == {"message": "a topic name holds no + and no #", "field": "resource"}


def test_a_question_about_something_else_is_refused(ask: Ask) -> None:
    answer = ask("/console/explain", {**QUESTION, "action": "fly"})
    assert (answer.status, answer.json["field"]) == (400, "action")


def test_a_policy_comes_with_its_template(ask: Ask, core: LocalIotCore) -> None:
    answer = ask("/console/policy", ANN).json
    assert str(core.configuration.policy_path) == ask("/console/state").json["template_path"]
    assert answer["template"] == (core.configuration.policy_path or core.ca_path).read_text()


def test_documents_are_for_the_region_and_account_that_it_stands_for(ask: Ask) -> None:
    assert "arn:aws:iot:us-east-1:123456789012:topic/rooms/lobby/say/ann" in str(ask("/console/policy", ANN).json)


def test_where_the_policy_comes_from_code_it_says_so(
    ask: Ask, core: LocalIotCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = dataclasses.replace(core.configuration.configured, template=None, policy_path=None)
    monkeypatch.setattr(core.configuration, "configured", configured)
    assert ask("/console/policy", ANN).status == 409
    assert ask("/console/explain", QUESTION).status == 409
    assert ask("/console/state").json["presets"] == []


def test_the_state_says_where_clients_connect(ask: Ask, core: LocalIotCore) -> None:
    state = ask("/console/state").json
    assert (state["endpoint"], state["tls_endpoint"], state["ca_path"]) == (core.url, core.tls_url, str(core.ca_path))


def test_the_state_says_what_the_authorizer_is_called(ask: Ask) -> None:
    state = ask("/console/state").json
    assert (state["authorizer"], state["token_key_name"], state["signing"]) == ("chat", "token", False)


@pytest.mark.parametrize("path", ["/", "/console/static/main.js", "/console/mqtt.js", "/console/state"])
def test_the_page_runs_its_own_scripts_alone(ask: Ask, path: str) -> None:
    policy = ask(path).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_nothing_of_the_page_is_inline(ask: Ask) -> None:
    text = ask("/").text
    assert all(sign not in text for sign in ("<style", "style=", "onclick", "javascript:"))


@pytest.mark.parametrize("path", ["/console/static/../app.py", "/console/static/%2e%2e/app.py", "/console/static/"])
def test_only_the_pages_own_files_are_served(ask: Ask, path: str) -> None:
    assert ask(path).status == 404


def test_a_token_is_minted_for_the_page_alone_and_not_for_others(ask: Ask) -> None:
    assert ask("/console/token", ANN).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", POSTED)
def test_who_leaves_before_the_body_is_there_is_no_error(core: LocalIotCore, path: str) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(Starlette(routes=routes(core))(scope, receive, send))  # Raises nothing.
