"""What holds for every table: the same tests for SQLite and for DynamoDB."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from iot_identities.table import Item, ItemChanged, ItemExists, Table
from tests.identities.conftest import OpenTable
from tests.identities.questions import fill, stored

ANN: Item = {"id": "user#ann", "disabled": False}


def test_an_item_that_is_written_is_read(table: Table) -> None:
    table.write(ANN)
    assert table.read(["user#ann"]) == {"user#ann": {**ANN, "revision": 1}}


def test_only_items_that_are_there_are_read(table: Table) -> None:
    table.write(ANN)
    assert list(table.read(["user#ben", "user#ann", "user#cleo"])) == ["user#ann"]


def test_nothing_is_read_if_nothing_is_asked_for(table: Table) -> None:
    assert table.read([]) == {}


def test_an_id_may_be_asked_for_twice(table: Table) -> None:
    table.write(ANN)
    assert list(table.read(["user#ann", "user#ann"])) == ["user#ann"]


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
    table.write({**ANN, "claims": "{}"})
    table.write(ANN)
    assert stored(table) == {**ANN, "revision": 1}


def test_writing_does_not_change_its_argument(table: Table) -> None:
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
    assert stored(table) == {**ANN, "by": "me", "revision": 2}


def test_a_value_of_another_type_is_a_conflict(table: Table) -> None:
    table.write({**ANN, "number": True}, new=True)
    with pytest.raises(ItemExists):
        table.write({**ANN, "number": 1}, new=True)


def test_a_value_of_another_type_takes_the_place_of_what_was_there(table: Table) -> None:
    table.write({**ANN, "number": True})
    table.write({**ANN, "number": 1})
    assert type(stored(table)["number"]) is int


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


def test_what_another_has_deleted_is_not_replaced(table: Table) -> None:
    table.write(ANN)
    seen = stored(table)
    table.delete("user#ann")
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=seen)
    assert table.read(["user#ann"]) == {}


def test_a_missing_item_is_not_replaced_even_without_a_revision(table: Table) -> None:
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=ANN)


def test_an_item_replaces_only_itself(table: Table) -> None:
    table.write(ANN)
    with pytest.raises(ValueError, match="`replacing` with the same id"):
        table.write({"id": "user#ben"}, replacing=stored(table))


def test_an_item_is_not_both_new_and_another_ones(table: Table) -> None:
    with pytest.raises(ValueError, match="expected `new`, or else `replacing`"):
        table.write(ANN, replacing=ANN, new=True)


def test_what_is_deleted_is_gone(table: Table) -> None:
    table.write(ANN)
    table.delete("user#ann")
    assert table.read(["user#ann"]) == {}


def test_what_is_not_there_is_deleted_in_silence(table: Table) -> None:
    table.delete("user#ann")


def test_many_threads_read_at_once(table: Table) -> None:
    table.write(ANN)
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: stored(table), range(64)))
    assert found == [{**ANN, "revision": 1}] * 64


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
