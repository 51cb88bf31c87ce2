"""All that can be asked of a table."""

from collections.abc import Callable, Iterable

import pytest

from iot_identities.table import Item, Table

NOW = 1_800_000_000.5

Question = Callable[[Table], object]

ANN: Item = {"id": "user#ann"}
FIRST = round(NOW * 1e6)
"""The revision of an item that was added at NOW."""
QUESTIONS: dict[str, Question] = {
    "read": lambda table: table.read(["user#ann"]),
    "read_part": lambda table: table.read_part("user#ann", ["claims"]),
    "write_part": lambda table: table.write_part({**ANN, "claims": "{}"}, replacing={**ANN, "revision": 1}),
    "write": lambda table: table.write(ANN),
    "write_some": lambda table: table.write_some([(ANN, None)]),
    "delete": lambda table: table.delete("user#ann"),
    "extend": lambda table: table.extend("user#ann", now=1, by=1, most=1, seen=True),
    "shorten": lambda table: table.shorten("user#ann", by=1),
    "keep": lambda table: table.keep("user#ann", until=1),
    "items": lambda table: list(table.items("user#")),
}


def questions(*names: str) -> pytest.MarkDecorator:
    """Runs a test with these questions as `ask`, by default with all."""
    chosen = names or tuple(QUESTIONS)
    return pytest.mark.parametrize("ask", [QUESTIONS[name] for name in chosen], ids=chosen)


def fill(table: Table, items: Iterable[Item]) -> None:
    """Writes many items."""
    for item in items:
        table.write(item)


def stored(table: Table, id: str = "user#ann") -> Item:
    """An item that is there."""
    return table.read([id])[id]
