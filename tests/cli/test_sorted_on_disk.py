"""Rows that are sorted on disk."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.sorted_on_disk import SortedRows


@given(st.dictionaries(st.text(), st.lists(st.text(), max_size=3), max_size=8))
def test_rows_come_in_the_order_of_their_names_as_often_as_asked(rows: dict[str, list[str]]) -> None:
    with SortedRows() as found:
        for name, row in rows.items():
            found.add(name, row)
        expected = [rows[name] for name in sorted(rows)]
        assert (list(found), list(found), len(found)) == (expected, expected, len(expected))


def test_memory_does_not_grow_with_the_rows() -> None:
    cells = ["x" * 1000]
    with SortedRows() as found:
        tracemalloc.start()
        try:
            for number in range(5000):
                found.add(str(number), cells)
            assert sum(len(row) for row in found) == 5000
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 500_000
