"""A function that raises, or answers or prints anything invalid, refuses its client and affects no other client."""

import json
import sys
from collections.abc import Callable

import pytest

from tests.local.harness.function import Event, allow
from tests.local.harness.running import Running, refused

CYCLIC: dict[str, object] = {}
CYCLIC["itself"] = CYCLIC


def nested(depth: int) -> object:
    found: object = "a"
    for _ in range(depth):
        found = [found]
    return found


def raises(error: BaseException) -> Callable[[Event], object]:
    def answer(_: Event) -> object:
        raise error

    return answer


class Nameless(Exception):
    """An exception whose text raises another one."""

    def __str__(self) -> str:
        raise self


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (lambda _: None, "NoneType"),
        (lambda _: "yes", "str"),
        (lambda _: True, "bool"),
        (lambda _: [allow()], "list"),
        (lambda _: {"isAuthenticated": True, "principalId": b"ann"}, "not JSON"),
        (lambda _: {1: nested(100_000)}, "not JSON"),
        (lambda _: sys.modules, "not JSON"),
        (lambda _: CYCLIC, "not JSON"),
        (raises(RuntimeError("out of order")), "RuntimeError: out of order"),
        (raises(Nameless()), "Nameless"),
        (raises(TimeoutError()), "TimeoutError"),
        (raises(StopIteration()), "StopIteration"),
        (raises(SystemExit(0)), "SystemExit"),
        (raises(KeyboardInterrupt()), "KeyboardInterrupt"),
        (raises(GeneratorExit()), "GeneratorExit"),
        (raises(RecursionError("deep")), "RecursionError"),
        (raises(MemoryError()), "MemoryError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_function_that_does_not_answer_with_an_object_is_broken(
    running: Running, answer: Callable[[Event], object], detail: str
) -> None:
    running.function.answer = answer
    assert detail in refused(running, "function_error")["detail"]
    running.function.answer = lambda _: allow()
    running.connected()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 100_000,
        '{"decision": {"principal": []}}',
        "\0\ud800",
        "x" * 3_000_000,
        '{"decision": 1, "source": 5}',
    ],
    ids=lambda text: text[:10].encode("ascii", "backslashreplace").decode(),
)
def test_the_output_of_a_function_changes_no_decision(running: Running, text: str) -> None:
    def answer(_: Event) -> object:
        print(text)
        return allow()

    running.function.answer = answer
    with running.connected() as client:
        client.ping()


def test_the_log_line_has_the_principal(running: Running) -> None:
    line = {"decision": "allowed", "principal": "Ann of Cleves", "source": "query"}

    def answer(_: Event) -> object:
        print("starting")
        print(json.dumps(line))
        return allow()

    running.function.answer = answer
    running.connected()
    running.record("decision", action="connect", allowed=True, principal="Ann of Cleves", source="query")


def test_the_log_line_says_why_not(running: Running) -> None:
    def answer(_: Event) -> object:
        print(json.dumps({"decision": "refused", "reason": "expired", "detail": "an hour ago", "principal": "ann"}))
        return {"isAuthenticated": False}

    running.function.answer = answer
    record = refused(running, "expired")
    assert (record["detail"], record["principal"]) == ("an hour ago", "ann")
