"""Reason codes: one registry, which the documentation repeats to the letter."""

import pytest

from iot_authorizer import Reason
from tests import ROOT

HEADER = "| reason code | cause | what to do |"


def documented() -> dict[str, str]:
    """Each row of the tables of reason codes, by its code."""
    rows: dict[str, str] = {}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        inside = False
        for line in page.read_text("utf-8").splitlines():
            inside = line.startswith("|") and (inside or line == HEADER)
            if inside and line.startswith("| `"):
                code = line.split("`")[1]
                assert code not in rows, f"{page.name}: a second row of {code}"
                rows[code] = line
    return rows


def test_the_documentation_has_each_reason_code_with_its_cause_and_its_cure() -> None:
    rows = documented()
    assert {reason: rows.get(reason) for reason in Reason} == {
        reason: f"| `{reason}` | {reason.cause} | {reason.cure} |" for reason in Reason
    }


@pytest.mark.parametrize("text", [text for reason in Reason for text in (reason.cause, reason.cure)])
def test_a_text_fits_into_a_cell_of_a_table(text: str) -> None:
    assert text == text.strip()
    assert text.count("`") % 2 == 0
    assert not {"|", "\n"} & set(text)
