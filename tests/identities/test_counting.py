"""Counting, which must lose nothing, however many count at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from iot_identities.table import Item, ItemChanged, Table
from tests.clock import Clock
from tests.identities.conftest import OpenTable
from tests.identities.questions import stored

ANN: Item = {"id": "user#ann", "disabled": False}
COUNTING = """\
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
    table.count("a", at=1, forget_at=4_000_000_000)
"""


@pytest.mark.parametrize("sees", [False, True])
def test_counting_begins_at_1_and_goes_on_also_from_the_count_that_was_seen(
    table: Table, clock: Clock, sees: bool
) -> None:
    later = int(clock.now) + 60
    for at in (1, 2, 3):
        assert table.count("a", at=at, forget_at=later + at, seen=at - 1 if sees else None) == at
        assert stored(table, "a") == {"id": "a", "count": at, "last": at, "expires_at": later + at, "revision": at}


@pytest.mark.parametrize("seen", [None, 0])
def test_counting_does_not_change_the_rest_of_an_item_and_is_a_change_of_it(
    table: Table, clock: Clock, seen: int | None
) -> None:
    table.write(ANN)
    before = stored(table)
    assert table.count("user#ann", at=1, forget_at=int(clock.now) + 60, seen=seen) == 1
    assert stored(table).items() >= {**ANN, "count": 1, "revision": 2}.items()
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=before)


@pytest.mark.parametrize("seen", [None, 0])
def test_counting_begins_anew_when_its_time_is_over(table: Table, clock: Clock, seen: int | None) -> None:
    later = int(clock.now) + 60
    table.write({"id": "a", "count": 9, "expires_at": later})
    clock.now = later
    assert table.count("a", at=5, forget_at=later + 60, seen=seen) == 1
    assert stored(table, "a") == {"id": "a", "count": 1, "last": 5, "expires_at": later + 60, "revision": 1}


def test_counting_what_is_forgotten_at_once_always_begins_anew(table: Table, clock: Clock) -> None:
    assert [table.count("a", at=1, forget_at=int(clock.now)) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("seen", [-1, 0, 1, 3])
def test_another_count_than_was_seen_is_not_raised(table: Table, clock: Clock, seen: int) -> None:
    later = int(clock.now) + 60
    for _ in range(2):
        table.count("a", at=1, forget_at=later)
    with pytest.raises(ItemChanged):
        table.count("a", at=2, forget_at=later + 1, seen=seen)
    assert stored(table, "a") == {"id": "a", "count": 2, "last": 1, "expires_at": later, "revision": 2}


def test_a_count_that_was_seen_is_not_raised_when_its_time_is_over(table: Table, clock: Clock) -> None:
    table.count("a", at=1, forget_at=int(clock.now) + 1)
    clock.now += 1
    with pytest.raises(ItemChanged):
        table.count("a", at=2, forget_at=int(clock.now) + 60, seen=1)


def test_of_many_that_raise_the_same_count_at_once_one_does(open_table: OpenTable, clock: Clock) -> None:
    later = int(clock.now) + 60

    def count(_: int) -> bool:
        try:
            open_table().count("a", at=1, forget_at=later, seen=0)
        except ItemChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(count, range(4))) == 1


def test_two_processes_that_count_at_once_lose_nothing(table: Table, place: tuple[str, str]) -> None:
    command = [sys.executable, "-c", COUNTING, *place]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as first, subprocess.Popen(command, **pipes) as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
    assert (first.returncode, second.returncode, stored(table, "a")["count"]) == (0, 0, 100)


def test_threads_that_count_at_once_lose_nothing(table: Table, clock: Clock) -> None:
    later = int(clock.now) + 60
    with ThreadPoolExecutor(8) as threads:
        counts = threads.map(lambda at: table.count("a", at=at, forget_at=later), range(40))
        assert sorted(counts) == list(range(1, 41))


def test_a_count_can_be_set_if_it_has_not_changed(table: Table) -> None:
    table.count("failures#a", at=1, forget_at=2**40)
    counted = table.count("failures#a", at=2, forget_at=2**41)
    assert table.recount("failures#a", counted=counted, to=1, last=1, forget_at=2**40)
    item = table.read(["failures#a"])["failures#a"]
    assert (item["count"], item["last"], item["expires_at"]) == (1, 1, 2**40)


def test_a_count_that_others_have_added_to_stays(table: Table) -> None:
    counted = table.count("failures#a", at=1, forget_at=2**40)
    table.count("failures#a", at=2, forget_at=2**40)
    assert not table.recount("failures#a", counted=counted, to=0, last=0, forget_at=2**40)
    assert table.read(["failures#a"])["failures#a"]["count"] == 2


def test_what_is_not_there_has_no_count_to_be_set(table: Table) -> None:
    assert not table.recount("failures#a", counted=1, to=0, last=0, forget_at=2**40)
    assert table.read(["failures#a"]) == {}


def test_one_can_be_taken_from_a_count_until_it_is_0(table: Table) -> None:
    for at in (1, 2):
        table.count("failures#a", at=at, forget_at=2**40)
    left = []
    for _ in range(3):
        table.uncount("failures#a")
        left.append(stored(table, "failures#a")["count"])
    assert left == [1, 0, 0]


def test_nothing_can_be_taken_from_what_is_not_there(table: Table) -> None:
    table.uncount("failures#a")
    assert table.read(["failures#a"]) == {}


def test_of_many_that_count_and_take_back_at_once_nothing_is_left(table: Table) -> None:
    def both(at: int) -> None:
        table.count("failures#a", at=at, forget_at=2**40)
        table.uncount("failures#a")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(both, range(40)))
    assert stored(table, "failures#a")["count"] == 0
