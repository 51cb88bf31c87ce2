"""IDs of any kind, and what is too large to be stored."""

from collections.abc import Callable

import pytest

from iot_identities.table import Item, Table
from tests.identities.questions import fill, stored

ANN: Item = {"id": "user#ann", "disabled": False}
OTHERS = "Zoë", "用户/😀", "a b\n", "\0", "%_*?", "'; DROP TABLE item; --", "#", "\U0010ffff"


def test_items_are_found_by_how_their_ids_begin(table: Table) -> None:
    fill(table, ({"id": id} for id in ("user#", "user#ann", "user", "users#ann", "revoked#ann", "a user#ann")))
    assert {item["id"] for item in table.items("user#")} == {"user#", "user#ann"}


@pytest.mark.parametrize("id", [*OTHERS, "x" * 2048, "é" * 1024], ids=lambda id: ascii(id)[:30])
def test_an_id_may_be_any_text_of_up_to_2048_bytes(table: Table, id: str) -> None:
    fill(table, ({"id": other} for other in OTHERS))
    table.write({"id": id, "found": True})
    assert stored(table, id)["found"] is True
    assert [item["id"] for item in table.items(id) if "found" in item] == [id]
    assert {item["id"] for item in table.items("")} == {*OTHERS, id}


def test_letters_that_look_alike_are_different_ids(table: Table) -> None:
    """`é` is one character or two."""
    table.write({"id": "\u00e9"})
    assert table.read(["e\u0301", "\u00c9"]) == {}


@pytest.mark.parametrize("id", ["", "x" * 2049, "é" * 1025, "\ud800"])
@pytest.mark.parametrize(
    "ask",
    [
        lambda table, id: table.write({"id": id}),
        lambda table, id: table.read([id]),
        lambda table, id: table.delete(id),
        lambda table, id: table.extend(id, now=1, by=1, most=1, seen=False),
        lambda table, id: table.shorten(id, by=1),
        lambda table, id: table.keep(id, until=1),
    ],
    ids=["write", "read", "delete", "extend", "shorten", "keep"],
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


def test_a_large_item_is_stored(table: Table) -> None:
    """moto accepts at most 405,000 bytes."""
    table.write({**ANN, "claims": "x" * 404_000})
    assert stored(table)["claims"] == "x" * 404_000


def test_an_item_that_is_too_large_is_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="expected an item of at most 409600 bytes"):
        table.write({**ANN, "claims": "x" * 409_600})
    assert table.read(["user#ann"]) == {}
