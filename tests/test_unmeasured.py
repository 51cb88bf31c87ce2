"""The page of AWS's unmeasured behavior."""

from tests.unmeasured import PAGE, ledger


def test_the_page_of_what_is_unmeasured_has_each_place_that_says_so() -> None:
    assert PAGE.read_text("utf-8") == ledger(), "`python -m tests.unmeasured` writes it anew"


def test_each_line_says_by_itself_what_is_unmeasured() -> None:
    rows = [line.split(" | ")[0] for line in ledger().splitlines() if line.startswith("| ") and " | `" in line]
    assert [row for row in rows if len(row.split()) < 8] == []
