"""Items with a time from when on they are gone, whether they have been deleted yet or not."""

import pytest

from iot_identities.table import Item, ItemChanged, Table
from tests.clock import Clock
from tests.identities.questions import FIRST, stored

ANN: Item = {"id": "user#ann", "disabled": False}


def test_what_has_expired_is_not_replaced(table: Table, clock: Clock) -> None:
    table.write({**ANN, "expires_at": int(clock.now) + 1})
    seen = stored(table)
    clock.now += 1
    with pytest.raises(ItemChanged):
        table.write(ANN, replacing=seen)


@pytest.mark.parametrize(("after", "there"), [(-0.1, True), (0, False), (0.1, False), (1_000_000, False)])
def test_an_item_is_there_until_its_time_is_over(table: Table, clock: Clock, after: float, there: bool) -> None:
    later = int(clock.now) + 10
    table.write({**ANN, "expires_at": later})
    clock.now = later + after
    assert (len(table.read(["user#ann"])), len(list(table.items("")))) == (there, there)


def test_the_id_of_an_expired_item_is_free(table: Table, clock: Clock) -> None:
    table.write({**ANN, "expires_at": int(clock.now)})
    table.write(ANN, new=True)
    assert stored(table) == {**ANN, "revision": FIRST}


@pytest.mark.parametrize(("expires_at", "there"), [(10**38 - 1, True), (1 - 10**38, False), (0, False)])
def test_a_time_may_be_any_number(table: Table, expires_at: int, there: bool) -> None:
    table.write({**ANN, "expires_at": expires_at})
    assert bool(table.read(["user#ann"])) is there


@pytest.mark.parametrize("expires_at", ["1", None, True])
def test_a_time_that_is_not_a_number_is_refused(table: Table, expires_at: object) -> None:
    with pytest.raises(TypeError, match="expires_at: expected int"):
        table.write({**ANN, "expires_at": expires_at})
