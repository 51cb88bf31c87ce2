"""The console's HTTP endpoints."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import jwt
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from iot_authorizer.reasons import Reason
from iot_authorizer_cli.console import bodies
from iot_authorizer_cli.console.app import Console, ConsoleAddresses, events
from iot_authorizer_cli.console.edits import EditDesk
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.feed import Feed
from iot_core.reasons import IotCoreReason
from tests.cli.console.conftest import Ask

ANN = {"principal": "ann", "claims": {"rooms": ["lobby"]}}
QUESTION = {**ANN, "action": "publish", "resource": "rooms/lobby/say/ann"}
POSTED = {"/console/token": ANN, "/console/policy": ANN, "/console/explain": QUESTION}
LIVE = "event: live\ndata:\n\n"


def claims_of(token: object) -> dict[str, object]:
    found = jwt.decode(str(token), options={"verify_signature": False})
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("lifetime", [90, -60])
def test_a_token_has_its_principal_its_claims_and_its_lifetime(ask: Ask, lifetime: int) -> None:
    answer = ask("/console/token", {**ANN, "expires_in": lifetime})
    claims = claims_of(answer.json["token"])
    assert (claims["sub"], claims["rooms"]) == ("ann", ["lobby"])
    assert (claims["exp"], type(claims["iat"])) == (int(str(claims["iat"])) + lifetime, int)
    assert answer.headers["cache-control"] == "no-store"


def test_claims_cannot_name_another_issuer(ask: Ask) -> None:
    claims = claims_of(ask("/console/token", {"principal": "ann", "claims": {"iss": "x", "sub": "bob"}}).json["token"])
    assert (claims["iss"], claims["sub"]) == ("urn:iot-authorizer:development", "ann")


@pytest.mark.parametrize("path", POSTED)
def test_only_posted_json_is_accepted_since_a_page_of_another_site_cannot_send_it(ask: Ask, path: str) -> None:
    assert ask(path).status == 405
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        assert ask(path, body=json.dumps(QUESTION).encode(), kind=kind).status == 415


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"principal": ""}, "principal", "expected a string that is not empty"),
        ({"principal": 7}, "principal", "expected a string"),
        ({"principal": "a" * 1025}, "principal", "is too long"),
        ({"principal": "\ud800"}, "principal", "expected a string of valid Unicode characters"),
        ({"claims": ["lobby"]}, "claims", 'expected a JSON object, as in {"rooms": ["lobby"]}'),
        ({"claims": {"a": "x" * bodies.MOST_CLAIMS}}, "claims", "expected at most 65,536 characters"),
        ({"expires_in": "1h"}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": True}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": 1e300}, "expires_in", "expected a whole number of seconds"),
        ({"expires_in": 10**9}, "expires_in", "expected at most 30 days"),
        ({"admin": True}, "admin", "unknown field"),
    ],
)
def test_an_invalid_field_is_refused_by_its_name(ask: Ask, change: dict[str, object], field: str, message: str) -> None:
    answer = ask("/console/token", {**ANN, **change})
    assert (answer.status, answer.json) == (400, {"message": message, "field": field})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((body, 400) for body in (b"", b"{", b"[]", b"7", b"\xff", b'{"principal": NaN}', b"[" * 100_000)),
        (b'{"principal": "ann", "claims": {"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}", 400),
        (b" " * 300_000, 413),
    ],
    ids=["empty", "half", "list", "number", "not UTF-8", "NaN", "deep", "deep claims", "endless"],
)
def test_a_body_that_is_not_a_small_json_object_is_refused(ask: Ask, body: bytes, status: int) -> None:
    assert ask("/console/token", body=body).status == status


@pytest.mark.parametrize("path", POSTED)
def test_a_claim_that_utf_8_cannot_hold_is_answered(ask: Ask, path: str) -> None:
    assert ask(path, {**POSTED[path], "claims": {"rooms": ["\ud800"]}}).status == 200


@pytest.mark.parametrize(
    ("resource", "allowed", "reason"),
    [
        ("rooms/lobby/say/ann", True, 'by grant "rooms", publish = "rooms/{claims.rooms}/say/{principal}"'),
        ("rooms/lobby/mute/bob", False, "needs role = moderator or admin"),
    ],
)
def test_an_explanation_names_the_entry(ask: Ask, resource: str, allowed: bool, reason: str) -> None:
    answer = ask("/console/explain", {**QUESTION, "resource": resource}).json
    assert (answer["allowed"], reason in str(answer["reasons"])) == (allowed, True)


@pytest.mark.parametrize(
    ("action", "resource", "problem"),
    [
        ("publish", "rooms/#", "a topic name must not contain a wildcard"),
        ("retain", "rooms/+", "a topic name must not contain a wildcard"),
        ("receive", "rooms/#", "a topic name must not contain a wildcard"),
        ("publish", f"rooms/lobby/say/{'é' * 130}", "a topic has at most 256 bytes of UTF-8"),
        ("publish", "$aws/events/presence/connected/ann", "only IoT Core publishes events"),
        ("retain", "$aws/rules/r/x", "IoT Core does not retain messages to reserved topics"),
        ("subscribe", "rooms/lobby/#/x", "# must be the last level"),
        ("subscribe", "rooms/lobby/1/2/3/4/5/6/7/8", "a topic has at most 7 slashes"),
        ("connect", f"ann/{'x' * 200}", "a client ID has at most 128 bytes of UTF-8"),
    ],
)
def test_what_iot_core_refuses_whatever_the_policy_allows_is_not_explained(
    ask: Ask, action: str, resource: str, problem: str
) -> None:
    answer = ask("/console/explain", {**QUESTION, "action": action, "resource": resource})
    assert (answer.status, answer.json["field"]) == (400, "resource")
    assert str(answer.json["message"]).startswith(problem)


def test_the_policy_of_a_client_id_that_is_too_long_is_not_shown(ask: Ask) -> None:
    answer = ask("/console/policy", {**ANN, "client_id": f"ann/{'x' * 200}"}).json
    assert answer == {"message": "a client ID has at most 128 bytes of UTF-8", "field": "client_id"}


def test_a_question_about_an_unknown_action_is_refused(ask: Ask) -> None:
    answer = ask("/console/explain", {**QUESTION, "action": "fly"})
    assert (answer.status, answer.json["field"]) == (400, "action")


def test_a_policy_comes_with_its_template_for_this_region_and_account(ask: Ask, core: LocalIotCore) -> None:
    answer = ask("/console/policy", ANN).json
    assert str(core.configuration.policy_path) == ask("/console/state").json["template_path"]
    assert answer["template"] == Path(core.configuration.policy_path or "").read_text()
    assert "arn:aws:iot:us-east-1:123456789012:topic/rooms/lobby/say/ann" in str(answer)


def test_without_a_template_there_is_no_policy_to_show(
    ask: Ask, core: LocalIotCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = dataclasses.replace(core.configuration.configured, template=None, policy_path=None)
    monkeypatch.setattr(type(core.configuration), "configured", configured)
    assert [ask(path, POSTED[path]).status for path in ("/console/policy", "/console/explain")] == [409, 409]
    assert ask("/console/state").json["presets"] == []


def test_the_state_says_where_clients_connect_and_how_the_authorizer_is_called(ask: Ask, core: LocalIotCore) -> None:
    state = ask("/console/state").json
    assert (state["endpoint"], state["tls_endpoint"], state["ca_path"]) == (core.url, core.tls_url, str(core.ca_path))
    assert (state["authorizer"], state["token_key_name"], state["signing"]) == ("chat", "token", False)


def test_each_reason_code_has_its_cause_and_its_cure(ask: Ask) -> None:
    found = ask("/console/reasons").json
    assert found["expired"] == [Reason.EXPIRED.cause, Reason.EXPIRED.cure]
    assert found.keys() == {*Reason, *IotCoreReason}


@pytest.mark.parametrize("path", ["/", "/console/static/page.js", "/console/mqtt.js", "/console/state"])
def test_the_page_runs_only_its_own_scripts(ask: Ask, path: str) -> None:
    policy = ask(path).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_page_has_no_inline_script_or_style(ask: Ask) -> None:
    text = ask("/").text
    assert all(sign not in text for sign in ("<style", "style=", "onclick", "javascript:"))


@pytest.mark.parametrize("path", ["/console/static/../app.py", "/console/static/%2e%2e/app.py", "/console/static/"])
def test_only_the_pages_own_files_are_served(ask: Ask, path: str) -> None:
    assert ask(path).status == 404


@pytest.mark.parametrize("path", POSTED)
def test_a_client_that_disconnects_before_its_body_is_complete_is_not_an_error(core: LocalIotCore, path: str) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        pass

    addresses = ConsoleAddresses(core.url, core.tls_url, core.ca_path)
    console = Console(
        core.iot_core, core.configuration, core.issuer, lambda: addresses, "secret", core.review, EditDesk(), core.web
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"authorization", b"Bearer secret")],
    }
    asyncio.run(Starlette(routes=console.routes())(scope, receive, send))  # Raises nothing.


Stream = AsyncIterator[str]


def with_stream(use: Callable[[Feed, Stream], Awaitable[None]], *names: str) -> None:
    """Uses the events of a feed with some recent records, and closes them."""

    async def run() -> None:
        feed = Feed()
        add(feed, *names)
        stream = events(feed)
        await use(feed, stream)
        await getattr(stream, "aclose")()  # noqa: B009 (generators have it, iterators do not)

    asyncio.run(run())


def add(feed: Feed, *names: str) -> None:
    for name in names:
        feed.add("test", name=name)


def names_in(event: str) -> list[object]:
    return [json.loads(line[6:])["name"] for line in event.splitlines() if line.startswith("data: {")]


async def recent(stream: Stream) -> list[object]:
    """The records before `live`."""
    found: list[object] = []
    async for event in stream:
        if event == LIVE:
            break
        found += names_in(event)
    return found


def test_the_feed_starts_with_the_recent_records_and_continues_with_new_ones() -> None:
    async def use(feed: Feed, stream: Stream) -> None:
        assert await recent(stream) == ["one", "two"]
        add(feed, "three", "four")
        assert [*names_in(await anext(stream)), *names_in(await anext(stream))] == ["three", "four"]

    with_stream(use, "one", "two")


def test_a_record_that_is_added_while_the_recent_ones_are_read_comes_once_and_after_them() -> None:
    names = [str(number) for number in range(50)]

    async def use(feed: Feed, stream: Stream) -> None:
        asyncio.get_running_loop().call_soon(add, feed, "meanwhile")
        assert await recent(stream) == names
        add(feed, "late")
        assert [names_in(await anext(stream)) for _ in range(2)] == [["meanwhile"], ["late"]]

    with_stream(use, *names)


def test_other_tasks_run_while_the_recent_records_are_written() -> None:
    turns: list[None] = []

    async def other() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    async def use(_: Feed, stream: Stream) -> None:
        await anext(stream)
        task = asyncio.create_task(other())
        await recent(stream)
        task.cancel()

    with_stream(use, *map(str, range(100)))
    assert len(turns) >= 5
