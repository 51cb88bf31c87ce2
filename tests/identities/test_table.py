"""What holds for every table: the same tests for SQLite and for DynamoDB."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from iot_identities.table import Item, ItemChanged, ItemExists, Table
from tests.clock import Clock
from tests.identities.conftest import OpenTable
from tests.identities.questions import FIRST, fill, stored

ANN: Item = {"id": "user#ann", "disabled": False}


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        pytest.param(["user#ben", "user#ann", "user#cleo"], ["user#ann"], id="only what is there"),
        pytest.param(["user#ann", "user#ann"], ["user#ann"], id="once what is asked for twice"),
        pytest.param([], [], id="nothing if nothing is asked for"),
    ],
)
def test_items_that_are_written_are_read(table: Table, ids: list[str], found: list[str]) -> None:
    item = dict(ANN)
    table.write(item)
    assert (table.read(ids), item) == ({id: {**ANN, "revision": FIRST} for id in found}, ANN)


def test_100_items_are_read_at_once(table: Table) -> None:
    ids = [f"user#{number}" for number in range(100)]
    fill(table, ({"id": id} for id in ids))
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
    table.write({**ANN, "number": True, "claims": "{}"})
    table.write({**ANN, "number": 1})
    assert stored(table) == {**ANN, "number": 1, "revision": FIRST}
    assert type(stored(table)["number"]) is int


def test_a_new_item_takes_no_ones_place(table: Table) -> None:
    table.write(ANN)
    with pytest.raises(ItemExists):
        table.write({**ANN, "disabled": True}, new=True)
    assert stored(table)["disabled"] is False


def test_a_refused_write_blocks_no_other_write(open_table: OpenTable) -> None:
    first, second = open_table(), open_table()
    first.write(ANN)
    with pytest.raises(ItemExists):
        first.write({**ANN, "by": "the first"}, new=True)
    second.write({**ANN, "by": "the second"})
    first.write({**ANN, "by": "the first"})
    assert stored(second)["by"] == "the first"


def test_writing_an_equal_item_again_is_not_a_conflict(table: Table) -> None:
    """An answer that is lost on its way is asked for again."""
    table.write(ANN, new=True)
    table.write(ANN, new=True)
    first = stored(table)
    table.write({**ANN, "by": "me"}, replacing=first)
    table.write({**ANN, "by": "me"}, replacing=first)
    assert stored(table) == {**ANN, "by": "me", "revision": FIRST + 1}


def test_a_value_of_another_type_is_a_conflict(table: Table) -> None:
    table.write({**ANN, "number": True}, new=True)
    with pytest.raises(ItemExists):
        table.write({**ANN, "number": 1}, new=True)


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
    assert stored(table) == {**ANN, "disabled": True, "revision": FIRST + 2}


def test_what_another_has_replaced_is_not_replaced(table: Table) -> None:
    table.write(ANN)
    seen = stored(table)
    table.write({**ANN, "by": "another"}, replacing=seen)
    with pytest.raises(ItemChanged):
        table.write({**ANN, "by": "us"}, replacing=seen)
    assert stored(table)["by"] == "another"


def test_what_another_has_deleted_and_what_never_was_is_not_replaced(table: Table) -> None:
    table.write(ANN)
    seen = stored(table)
    for _ in range(2):  # It may be deleted already.
        table.delete("user#ann")
    for replaced in (seen, ANN):
        with pytest.raises(ItemChanged):
            table.write(ANN, replacing=replaced)
    assert table.read(["user#ann"]) == {}


def test_an_item_replaces_only_itself_and_is_not_new_then(table: Table) -> None:
    table.write(ANN)
    with pytest.raises(ValueError, match="`replacing` with the same id"):
        table.write({"id": "user#ben"}, replacing=stored(table))
    with pytest.raises(ValueError, match="expected `new`, or else `replacing`"):
        table.write(ANN, replacing=ANN, new=True)


def write_all(table: Table, writes: Sequence[tuple[Item, Item | None]]) -> list[bool]:
    """Writes all items, as many at once as the table does."""
    stored: list[bool] = []
    while len(stored) < len(writes):
        stored += table.write_some(writes[len(stored) :])
    return stored


def test_of_some_items_those_are_stored_that_no_other_writer_has_changed(table: Table, clock: Clock) -> None:
    names = ["taken", "same", "read", "changed", "deleted", "added again"]
    fill(table, ({"id": name} for name in names))
    seen = table.read(names)
    table.write({"id": "changed", "by": "another"}, replacing=seen["changed"])
    for name in ("deleted", "added again"):
        table.delete(name)
    clock.now += 1
    table.write({"id": "added again", "by": "another"}, new=True)
    new: list[Item] = [{"id": "new", "by": "us"}, {"id": "taken", "by": "us"}, {"id": "same"}]
    changed: list[Item] = [{"id": name, "by": "us"} for name in names[2:]]
    done = write_all(table, [*((item, None) for item in new), *((item, seen[str(item["id"])]) for item in changed)])
    assert done == [True, False, True, True, False, False, False]
    assert {id: item.get("by") for id, item in table.read(["new", *names]).items()} == {
        "new": "us",
        "taken": None,
        "same": None,
        "read": "us",
        "changed": "another",
        "added again": "another",
    }


def test_of_some_items_that_many_write_at_once_each_is_stored_by_one(open_table: OpenTable) -> None:
    def write(writer: int) -> list[bool]:
        return write_all(open_table(), [({"id": f"user#{number}", "writer": writer}, None) for number in range(20)])

    with ThreadPoolExecutor(4) as threads:
        assert [sum(stored) for stored in zip(*threads.map(write, range(4)), strict=True)] == [1] * 20


def test_many_threads_read_at_once(table: Table) -> None:
    table.write(ANN)
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: stored(table), range(64)))
    assert found == [{**ANN, "revision": FIRST}] * 64


def test_items_are_found_over_several_pages(table: Table) -> None:
    """DynamoDB's pages have 1 MB; the table's own in SQLite, 200 items."""
    small: list[Item] = [{"id": f"user#{number}"} for number in range(410)]
    large: list[Item] = [{"id": f"user#large-{number}", "claims": "x" * 300_000} for number in range(8)]
    fill(table, [*small, *large, {"id": "a"}, {"id": "z"}])
    assert sorted(str(item["id"]) for item in table.items("user#")) == sorted(str(item["id"]) for item in small + large)


def test_items_may_be_deleted_while_they_are_listed(table: Table) -> None:
    fill(table, ({"id": f"user#{number:03}"} for number in range(250)))
    for item in table.items("user#"):
        table.delete(str(item["id"]))
    assert list(table.items("")) == []
