"""`extend`, `shorten` and `keep` move the time at which an item expires, and lose nothing if many do so at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from iot_identities.table import Item, Table
from tests.clock import Clock
from tests.identities.questions import FIRST, stored

ANN: Item = {"id": "user#ann", "disabled": False}
FAR = 4_000_000_000
EXTENDING = """\
import sys
from pathlib import Path
from botocore.config import Config
from iot_identities import dynamodb_table
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.sqlite_table import SqliteTable
dynamodb_table.CLIENT_CONFIG = dynamodb_table.CLIENT_CONFIG.merge(Config(connect_timeout=60, read_timeout=60))
kind, place = sys.argv[1:]
table = SqliteTable(Path(place), patience=60) if kind == "sqlite" else DynamoDbTable(place)
table.read(["a"])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    table.extend("a", now=4_000_000_000, by=1, most=1000, seen=False)
"""


def extend(table: Table, clock: Clock, *, most: int = 30, seen: bool = True) -> bool:
    return table.extend("a", now=int(clock.now), by=10, most=most, seen=seen)


def left(table: Table, clock: Clock) -> int:
    """Seconds until the item expires; 0 if it is missing."""
    found = table.read(["a"]).get("a", {"expires_at": int(clock.now)})
    return int(str(found["expires_at"])) - int(clock.now)


@pytest.mark.parametrize("seen", [False, True])
def test_an_item_is_extended_up_to_the_most(table: Table, clock: Clock, seen: bool) -> None:
    extended = [extend(table, clock, seen=seen and number > 0) for number in range(5)]
    assert (extended, left(table, clock)) == ([True, True, True, False, False], 30)
    assert stored(table, "a").keys() == {"id", "expires_at"}


@pytest.mark.parametrize(("later", "extended", "expected"), [(9, False, 21), (10, True, 30), (29, True, 11)])
def test_time_makes_room(table: Table, clock: Clock, later: int, extended: bool, expected: int) -> None:
    for number in range(3):
        extend(table, clock, seen=number > 0)
    clock.now += later
    assert (extend(table, clock), left(table, clock)) == (extended, expected)


@pytest.mark.parametrize("later", [30, 31, 1_000_000])
def test_an_expired_item_begins_anew(table: Table, clock: Clock, later: int) -> None:
    for number in range(3):
        extend(table, clock, seen=number > 0)
    clock.now += later
    assert (extend(table, clock, seen=False), left(table, clock)) == (True, 10)


def test_what_was_taken_off_makes_room(table: Table, clock: Clock) -> None:
    for number in range(3):
        extend(table, clock, seen=number > 0)
    table.shorten("a", by=10)
    assert (extend(table, clock), extend(table, clock), left(table, clock)) == (True, False, 30)


def test_an_item_from_which_all_is_taken_off_is_missing(table: Table, clock: Clock) -> None:
    extend(table, clock, seen=False)
    table.shorten("a", by=10)
    assert table.read(["a"]) == {}


def test_an_item_that_was_seen_and_is_taken_off_meanwhile_is_extended(table: Table, clock: Clock) -> None:
    """Two right passwords at the same time: the second must not be refused since the first was taken off."""
    for number in range(2):
        extend(table, clock, seen=number > 0)
    table.shorten("a", by=10)
    assert (extend(table, clock), left(table, clock)) == (True, 20)


def test_what_is_missing_is_not_shortened(table: Table) -> None:
    table.shorten("a", by=10)
    assert (table.read(["a"]), list(table.items(""))) == ({}, [])


@pytest.mark.parametrize("item", [None, {"id": "a"}, {"id": "a", "expires_at": 1}, {"id": "a", "expires_at": FAR + 9}])
def test_an_item_is_kept_until_a_time_whether_it_was_there_or_not(table: Table, item: Item | None) -> None:
    if item is not None:
        table.write(item)
    table.keep("a", until=FAR)
    assert stored(table, "a")["expires_at"] == FAR


def test_the_rest_of_an_item_stays(table: Table, clock: Clock) -> None:
    now = int(clock.now)
    table.write({**ANN, "expires_at": now + 10})
    table.extend("user#ann", now=now, by=10, most=30, seen=True)
    table.shorten("user#ann", by=5)
    table.keep("user#ann", until=now + 60)
    assert stored(table) == {**ANN, "expires_at": now + 60, "revision": FIRST}


@pytest.mark.parametrize("seen", [False, True])
def test_of_many_that_extend_at_once_as_many_do_as_there_is_room_for(table: Table, clock: Clock, seen: bool) -> None:
    if seen:
        extend(table, clock, seen=False)
    together = Barrier(8)

    def extend_together(_: int) -> bool:
        together.wait()
        return extend(table, clock, most=50, seen=seen)

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(extend_together, range(8))) == 5 - seen
    assert left(table, clock) == 50


def test_of_many_that_extend_and_shorten_at_once_nothing_is_left(table: Table, clock: Clock) -> None:
    extend(table, clock, most=100, seen=False)

    def both(_: int) -> None:
        assert extend(table, clock, most=100)
        table.shorten("a", by=10)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(both, range(40)))
    assert left(table, clock) == 10


def test_two_processes_that_extend_at_once_lose_nothing(table: Table, place: tuple[str, str]) -> None:
    command = [sys.executable, "-c", EXTENDING, *place]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
    assert (first.returncode, second.returncode, stored(table, "a")["expires_at"]) == (0, 0, FAR + 100)
