"""A route of an HTTP API: what its function gets, and what the client gets if the function hangs or fails."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.types import Message

from iot_core.api.http_api import HttpApiRoute
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.loaded_function import ThreadFunction
from tests.event_loop import in_event_loop
from tests.local.api.core import Core

Event = Mapping[str, Any]
GOOD = {"statusCode": 201, "headers": {"x-own": "yes"}, "body": "{}"}
UNAVAILABLE = (503, {"message": "Service Unavailable"})
ERROR = (500, {"message": "Internal Server Error"})


def environments(answer: Callable[[Event], object], **options: Any) -> ExecutionEnvironments:  # noqa: ANN401
    """A function that answers as a test says."""

    def invoke(event: Event) -> Invocation:
        told = {"decision": "allowed", "principal": "ann", "source": "header"}
        return Invocation(cast("dict[str, object]", answer(event)), told)

    return ExecutionEnvironments(lambda: ThreadFunction(invoke), **options)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    core = Core(tmp_path)
    yield core
    core.close()


@pytest.fixture
def release() -> Iterator[Future[None]]:
    """A function that waits for it hangs until the end of the test."""
    release: Future[None] = Future()
    yield release
    release.set_result(None)


async def ask(
    core: Core, function: ExecutionEnvironments | None, *headers: tuple[str, str], body: bytes = b"{}"
) -> tuple[int, Any]:
    """Status and JSON body of the route's answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/credentials",
        "query_string": b"clientId=ann",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "http_version": "1.1",
        "client": ("192.0.2.1", 50_000),
    }
    await HttpApiRoute(core, "credentials", lambda: function)(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))


def reasons(core: Core) -> list[object]:
    """The reason codes in the feed; None for what was allowed."""
    return [record.get("reason") for record in core.feed.recent() if record["kind"] == "decision"]


@in_event_loop
async def test_the_client_gets_the_functions_answer_and_the_feed_its_decision(core: Core) -> None:
    function = environments(lambda _: GOOD)
    assert await ask(core, function) == (201, {})
    (record,) = core.feed.recent()
    assert (record["action"], record["resource"], record["principal"]) == ("credentials", "POST /credentials", "ann")
    function.close()


@in_event_loop
async def test_a_function_that_hangs_is_unavailable(core: Core, release: Future[None]) -> None:
    function = environments(lambda _: release.result(), timeout=0.05)
    assert await ask(core, function) == UNAVAILABLE
    assert reasons(core) == ["function_timeout"]
    function.close()


@in_event_loop
async def test_a_function_without_a_free_environment_is_unavailable(core: Core, release: Future[None]) -> None:
    function = environments(lambda _: release.result(), timeout=0.1, limit=1)
    assert list(await asyncio.gather(ask(core, function), ask(core, function))) == [UNAVAILABLE, UNAVAILABLE]
    assert sorted(map(str, reasons(core))) == ["environments_busy", "function_timeout"]
    function.close()


def broken(_: Event) -> object:
    raise BrokenHandler("the handler raised RuntimeError: no")


@in_event_loop
async def test_a_function_that_fails_is_an_error_and_only_the_feed_says_why(core: Core) -> None:
    function = environments(broken)
    assert await ask(core, function) == ERROR
    (record,) = core.feed.recent()
    assert (record["reason"], record["detail"]) == ("function_error", "the handler raised RuntimeError: no")
    function.close()


NONSENSE = {
    "an answer to IoT Core": {"isAuthenticated": True},
    "a status that is a text": {**GOOD, "statusCode": "200"},
    "a status that is a truth value": {**GOOD, "statusCode": True},
    "a status before the answer": {**GOOD, "statusCode": 100},
    "a status that HTTP does not have": {**GOOD, "statusCode": 1000},
    "headers that are a list": {**GOOD, "headers": ["x-own: yes"]},
    "a header that is a number": {**GOOD, "headers": {"x-own": 1}},
    "another header in a value": {**GOOD, "headers": {"x-own": "yes\r\nset-cookie: a=b"}},
    "a line break behind a value": {**GOOD, "headers": {"x-own": "yes\n"}},
    "another header in a name": {**GOOD, "headers": {"x-own: yes\r\nset-cookie": "a=b"}},
    "a header that is not Latin-1": {**GOOD, "headers": {"x-own": "\u20ac"}},
    "a body that is an object": {**GOOD, "body": {}},
    "a body that is not Unicode": {**GOOD, "body": "\ud800"},
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_function_that_answers_nonsense_is_an_error(core: Core, answer: object) -> None:
    async def run() -> None:
        function = environments(lambda _: answer)
        assert await ask(core, function) == ERROR
        (record,) = core.feed.recent()
        assert record["reason"] == "function_error"
        assert str(record["detail"]).startswith("the function's answer is not that of an HTTP API: ")
        function.close()

    asyncio.run(run())


@in_event_loop
async def test_a_route_whose_function_is_gone_is_not_found(core: Core) -> None:
    assert await ask(core, None) == (404, {"message": "Not Found"})


@in_event_loop
async def test_the_event_is_that_of_payload_format_2(core: Core) -> None:
    events: list[Event] = []

    def answer(event: Event) -> object:
        events.append(event)
        return GOOD

    function = environments(answer)
    await ask(core, function, ("x-a", "1"), ("x-a", "2"), ("cookie", "b=1; c=2"), ("content-type", "text/plain"))
    await ask(core, function, ("content-type", "image/png"), body=b"\xff")
    text, binary = events
    assert (text["version"], text["rawQueryString"]) == ("2.0", "clientId=ann")
    assert (text["headers"]["x-a"], text["cookies"]) == ("1,2", ["b=1", "c=2"])
    assert (text["body"], text["isBase64Encoded"]) == ("{}", False)
    assert text["requestContext"]["http"]["sourceIp"] == "192.0.2.1"
    assert (binary["body"], binary["isBase64Encoded"]) == (base64.b64encode(b"\xff").decode(), True)
    function.close()
