"""Events of all kinds, as the benchmark of growth makes them: what each leaves behind in a process."""

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from bench.event_kinds import EventKinds, make_event_kinds
from tests.authorizer.handlers import printed
from tests.authorizer.tables import QUICK

pytestmark = pytest.mark.slow

ALLOWED = {
    *("token", "header", "authorization", "query", "user name", "password with a token", "signed", "anonymous"),
    *("unknown keys", "right password"),
}
EVENTS = 250
MOST_LEFT = 0.9
"""Blocks of memory for each event. SQLite's connection drops references to its cursors only after 200 of them."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventKinds]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("iot_authorizer.table_passwords.hash_password", QUICK.hash)
        yield make_event_kinds(tmp_path_factory.mktemp("events"))


def decisions(made: EventKinds, kind: str) -> set[str]:
    """`allowed`, or the reason code, of each answer to some events of a kind."""
    with printed() as output:
        for number in range(3):
            made.answer({**made.kinds, **made.slow}[kind](number))
    lines = (json.loads(line) for line in output.text.splitlines() if '"decision"' in line)
    return {line.get("reason", line["decision"]) for line in lines}


def test_all_events_of_a_kind_have_the_same_decision(made: EventKinds) -> None:
    found = {kind: decisions(made, kind) for kind in {**made.kinds, **made.slow}}
    assert {kind for kind, decided in found.items() if decided == {"allowed"}} == ALLOWED
    assert {kind for kind, decided in found.items() if len(decided) != 1} == set()


def blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def test_no_event_stays_in_the_process(made: EventKinds) -> None:
    left = {}
    gc.collect()
    gc.freeze()  # Otherwise each collection looks at all that pytest and earlier tests hold.
    with Path(os.devnull).open("w") as null, redirect_stdout(null):
        for kind, event in {**made.kinds, **made.slow}.items():
            for number in range(EVENTS):  # Caches with a limit fill.
                made.answer(event(number))
            before = blocks()
            for number in range(EVENTS, 2 * EVENTS):
                made.answer(event(number))
            left[kind] = (blocks() - before) / EVENTS
    assert {kind: each for kind, each in left.items() if each > MOST_LEFT} == {}
