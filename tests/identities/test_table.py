"""What holds for every table: the same tests for SQLite and for DynamoDB."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from identities.table import Item, ItemChanged, ItemExists, Table
from tests.identities.clock import Clock
from tests.identities.conftest import OpenTable

ANN: Item = {"id": "user#ann", "disabled": False}
COUNTING = """\
import sys
from pathlib import Path
from botocore.config import Config
from identities import dynamodb_table
from identities.dynamodb_table import DynamoDbTable
from identities.sqlite_table import SqliteTable
dynamodb_table._QUICK = dynamodb_table._QUICK.merge(Config(connect_timeout=60, read_timeout=60))
kind, place = sys.argv[1:]
table = SqliteTable(Path(place), patience=60) if kind == "sqlite" else DynamoDbTable(place)
table.read(["a"])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    table.count("a", at=1, forget_at=4_000_000_000)
"""
OTHERS = "Zoë", "用户/😀", "a b\n", "\0", "%_*?", "'; DROP TABLE item; --", "#", "\U0010ffff"


def stored(table: Table, id: str = "user#ann") -> Item:
    return table.read([id])[id]


def test_an_item_that_is_written_is_read(table: Table) -> None:
    table.write(ANN)
    assert table.read(["user#ann"]) == {"user#ann": {**ANN, "revision": 1}}


def test_only_items_that_are_there_are_read(table: Table) -> None:
    table.write(ANN)
    assert list(table.read(["user#ben", "user#ann", "user#cleo"])) == ["user#ann"]


def test_nothing_is_read_where_nothing_is_asked_for(table: Table) -> None:
    assert table.read([]) == {}


def test_an_id_may_be_asked_for_twice(table: Table) -> None:
    table.write(ANN)
    assert list(table.read(["user#ann", "user#ann"])) == ["user#ann"]


def test_100_items_are_read_at_once(table: Table) -> None:
    ids = [f"user#{number}" for number in range(100)]
    table.write_many([{"id": id} for id in ids])
    assert table.read(ids).keys() == set(ids)


def test_more_than_100_items_are_not_read_at_once(table: Table) -> None:
    with pytest.raises(ValueError, match="expected at most 100 ids"):
        table.read([str(number) for number in range(101)])


def test_what_is_written_is_another_tables_to_read(open_table: OpenTable) -> None:
    reader, writer = open_table(), open_table()
    assert reader.read(["user#ann"]) == {}
    writer.write(ANN)
    assert list(reader.read(["user#ann"])) == ["user#ann"]


def test_writing_takes_the_place_of_what_was_there(table: Table) -> None:
    table.write({**ANN, "claims": "{}"})
    table.write(ANN)
    assert stored(table) == {**ANN, "revision": 1}


def test_writing_leaves_its_argument_alone(table: Table) -> None:
    item = dict(ANN)
    table.write(item)
    assert item == ANN


def test_a_new_item_is_written(table: Table) -> None:
    table.write(ANN, new=True)
    assert stored(table) == {**ANN, "revision": 1}


def test_a_new_item_takes_no_ones_place(table: Table) -> None:
    table.write(ANN)
    with pytest.raises(ItemExists):
        table.write({**ANN, "disabled": True}, new=True)
    assert stored(table)["disabled"] is False


def test_of_many_that_write_a_new_item_at_once_one_does(open_table: OpenTable) -> None:
    def write(number: int) -> bool:
        try:
            open_table().write({**ANN, "number": number}, new=True)
        except ItemExists:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(write, range(4))) == 1


def test_replacing_raises_the_revision(table: Table) -> None:
    table.write(ANN)
    for _ in range(2):
        item = stored(table)
        table.write({**item, "disabled": True}, replacing=item)
    assert stored(table) == {**ANN, "disabled": True, "revision": 3}


def test_what_another_has_replaced_is_not_replaced(table: Table) -> None:
    table.write(ANN)
    seen = stored(table)
    table.write({**ANN, "by": "another"}, replacing=seen)
    with pytest.raises(ItemChanged):
        table.write({**ANN, "by": "us"}, replacing=seen)
    assert stored(table)["by"] == "another"


def test_what_has_been_counted_since_is_not_replaced(table: Table, clock: Clock) -> None:
    table.count("a", at=1, forget_at=int(clock.now) + 9)
    seen = stored(table, "a")
    table.count("a", at=2, forget_at=int(clock.now) + 9)
    with pytest.raises(ItemChanged):
        table.write({"id": "a"}, replacing=seen)


def test_what_another_has_deleted_is_not_replaced(table: Table) -> None:
    table.write(ANN)
    seen = stored(table)
    table.delete("user#ann")
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=seen)
    assert table.read(["user#ann"]) == {}


def test_what_has_expired_is_not_replaced(table: Table, clock: Clock) -> None:
    table.write({**ANN, "expires_at": int(clock.now) + 1})
    seen = stored(table)
    clock.now += 1
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=seen)


def test_an_item_replaces_only_itself(table: Table) -> None:
    table.write(ANN)
    with pytest.raises(ValueError, match="`replacing` with the same id"):
        table.write({"id": "user#ben"}, replacing=stored(table))


def test_an_item_is_not_both_new_and_another_ones(table: Table) -> None:
    with pytest.raises(ValueError, match="expected `new`, or else `replacing`"):
        table.write(ANN, replacing=ANN, new=True)


def test_a_thousand_items_are_written(table: Table) -> None:
    table.write_many([{"id": f"user#{number}", "number": number} for number in range(1000)])
    assert sorted(item["number"] for item in table.items("user#")) == list(range(1000))  # type: ignore[type-var]


def test_no_items_are_written(table: Table) -> None:
    table.write_many([])
    assert list(table.items("")) == []


def test_of_two_items_with_one_id_the_last_is_written(table: Table) -> None:
    table.write_many([{**ANN, "number": 1}, {**ANN, "number": 2}])
    assert stored(table) == {**ANN, "number": 2, "revision": 1}


def test_many_items_are_none_where_one_of_them_is_wrong(table: Table) -> None:
    with pytest.raises(TypeError):
        table.write_many([ANN, {"id": "user#ben", "weight": 0.5}])
    assert list(table.items("")) == []


def test_what_is_deleted_is_gone(table: Table) -> None:
    table.write(ANN)
    table.delete("user#ann")
    assert table.read(["user#ann"]) == {}


def test_what_is_not_there_is_deleted_in_silence(table: Table) -> None:
    table.delete("user#ann")


def test_counting_begins_at_1(table: Table, clock: Clock) -> None:
    later = int(clock.now) + 60
    assert table.count("failures#ann", at=7, forget_at=later) == 1
    expected = {"id": "failures#ann", "count": 1, "last": 7, "expires_at": later, "revision": 1}
    assert stored(table, "failures#ann") == expected


def test_counting_goes_on(table: Table, clock: Clock) -> None:
    later = int(clock.now) + 60
    assert [table.count("a", at=at, forget_at=later + at) for at in (1, 2, 3)] == [1, 2, 3]
    assert stored(table, "a") == {"id": "a", "count": 3, "last": 3, "expires_at": later + 3, "revision": 3}


def test_counting_leaves_the_rest_of_an_item_alone(table: Table, clock: Clock) -> None:
    table.write(ANN)
    table.count("user#ann", at=1, forget_at=int(clock.now) + 60)
    assert stored(table).items() >= {**ANN, "count": 1, "revision": 2}.items()


@pytest.mark.parametrize("seen", [None, 0])
def test_counting_begins_anew_when_its_time_is_over(table: Table, clock: Clock, seen: int | None) -> None:
    later = int(clock.now) + 60
    table.write({"id": "a", "count": 9, "blocked": True, "expires_at": later})
    clock.now = later
    assert table.count("a", at=5, forget_at=later + 60, seen=seen) == 1
    assert stored(table, "a") == {"id": "a", "count": 1, "last": 5, "expires_at": later + 60, "revision": 1}


def test_counting_what_is_forgotten_at_once_always_begins_anew(table: Table, clock: Clock) -> None:
    assert [table.count("a", at=1, forget_at=int(clock.now)) for _ in range(3)] == [1, 1, 1]


def test_a_count_that_was_seen_is_raised(table: Table, clock: Clock) -> None:
    later = int(clock.now) + 60
    assert [table.count("a", at=1, forget_at=later, seen=seen) for seen in range(3)] == [1, 2, 3]


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


def test_an_item_without_a_count_was_seen_as_0(table: Table, clock: Clock) -> None:
    table.write(ANN)
    assert table.count("user#ann", at=1, forget_at=int(clock.now) + 60, seen=0) == 1


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


def test_many_threads_read_at_once(table: Table) -> None:
    table.write(ANN)
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: stored(table), range(64)))
    assert found == [{**ANN, "revision": 1}] * 64


def test_items_are_found_by_how_their_ids_begin(table: Table) -> None:
    table.write_many([{"id": id} for id in ("user#", "user#ann", "user", "users#ann", "revoked#ann", "a user#ann")])
    assert {item["id"] for item in table.items("user#")} == {"user#", "user#ann"}


def test_all_items_begin_with_nothing(table: Table) -> None:
    table.write_many([{"id": id} for id in OTHERS])
    assert {item["id"] for item in table.items("")} == set(OTHERS)


@pytest.mark.parametrize("id", OTHERS)
def test_an_id_may_be_any_text(table: Table, id: str) -> None:
    table.write_many([{"id": other} for other in OTHERS])
    table.write({"id": id, "found": True})
    assert stored(table, id)["found"] is True
    assert [item["id"] for item in table.items(id) if "found" in item] == [id]


def test_letters_that_look_alike_are_different_ids(table: Table) -> None:
    """`é` is one character or two."""
    table.write({"id": "\u00e9"})
    assert table.read(["e\u0301", "\u00c9"]) == {}


def test_items_are_found_over_several_pages(table: Table) -> None:
    """DynamoDB's pages have 1 MB; the table's own in SQLite, 200 items."""
    small: list[Item] = [{"id": f"user#{number}"} for number in range(410)]
    large: list[Item] = [{"id": f"user#large-{number}", "claims": "x" * 300_000} for number in range(8)]
    table.write_many([*small, *large, {"id": "a"}, {"id": "z"}])
    assert sorted(str(item["id"]) for item in table.items("user#")) == sorted(str(item["id"]) for item in small + large)


def test_items_may_be_deleted_while_they_are_listed(table: Table) -> None:
    table.write_many([{"id": f"user#{number:03}"} for number in range(250)])
    for item in table.items("user#"):
        table.delete(str(item["id"]))
    assert list(table.items("")) == []


def test_an_item_is_there_until_its_time_is_over(table: Table, clock: Clock) -> None:
    later = int(clock.now) + 10
    table.write({**ANN, "expires_at": later})
    clock.now = later - 0.1
    assert (list(table.read(["user#ann"])), len(list(table.items("")))) == (["user#ann"], 1)


@pytest.mark.parametrize("after", [0, 0.1, 1_000_000])
def test_an_item_is_gone_when_its_time_is_over(table: Table, clock: Clock, after: float) -> None:
    later = int(clock.now) + 10
    table.write({**ANN, "expires_at": later})
    clock.now = later + after
    assert (table.read(["user#ann"]), list(table.items(""))) == ({}, [])


def test_the_id_of_an_item_whose_time_is_over_is_free(table: Table, clock: Clock) -> None:
    table.write({**ANN, "expires_at": int(clock.now)})
    table.write(ANN, new=True)
    assert stored(table) == {**ANN, "revision": 1}


@pytest.mark.parametrize(("expires_at", "there"), [(10**38 - 1, True), (1 - 10**38, False), (0, False)])
def test_a_time_may_be_any_number(table: Table, expires_at: int, there: bool) -> None:
    table.write({**ANN, "expires_at": expires_at})
    assert bool(table.read(["user#ann"])) is there


@pytest.mark.parametrize("expires_at", ["1", None, True])
def test_a_time_that_is_no_number_is_refused(table: Table, expires_at: object) -> None:
    with pytest.raises(TypeError, match="expires_at: expected int"):
        table.write({**ANN, "expires_at": expires_at})


@pytest.mark.parametrize("id", ["", "x" * 2049, "é" * 1025, "\ud800"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda table, id: table.write({"id": id}),
        lambda table, id: table.write_many([{"id": id}]),
        lambda table, id: table.read([id]),
        lambda table, id: table.delete(id),
        lambda table, id: table.count(id, at=1, forget_at=2),
    ],
    ids=["write", "write_many", "read", "delete", "count"],
)
def test_an_id_that_dynamodb_can_not_have_is_refused(
    table: Table, id: str, ask: Callable[[Table, str], object]
) -> None:
    with pytest.raises(ValueError, match=r"expected 1 to 2048 bytes|expected text without lone surrogates"):
        ask(table, id)


@pytest.mark.parametrize("item", [{}, {"id": None}, {"id": 1}, {"id": b"a"}])
def test_an_id_is_a_string(table: Table, item: Item) -> None:
    with pytest.raises(TypeError, match="id: expected str"):
        table.write(item)


@pytest.mark.parametrize("id", ["x" * 2048, "é" * 1024])
def test_the_longest_id_is_stored(table: Table, id: str) -> None:
    table.write({"id": id})
    assert [item["id"] for item in table.items(id)] == [id]


def test_a_large_item_is_stored(table: Table) -> None:
    """moto takes no more than 405,000 bytes."""
    table.write({**ANN, "claims": "x" * 404_000})
    assert stored(table)["claims"] == "x" * 404_000


@pytest.mark.parametrize(
    "write",
    [lambda table, item: table.write(item), lambda table, item: table.write_many([item])],
    ids=["write", "write_many"],
)
def test_an_item_that_is_too_large_is_refused(table: Table, write: Callable[[Table, Item], None]) -> None:
    with pytest.raises(ValueError, match="expected an item of at most 409600 bytes"):
        write(table, {**ANN, "claims": "x" * 409_600})
    assert table.read(["user#ann"]) == {}
