"""The ledger of AWS's unmeasured behavior."""

import re

import pytest

from iot_authorizer_cli.commands.conformance.command import CHECKS
from tests.unmeasured import PAGE, ROOT, Entry, entries, ledger


def test_the_ledger_has_each_place_that_says_what_is_unmeasured() -> None:
    assert PAGE.read_text("utf-8") == ledger(), "`python -m tests.unmeasured` writes it anew"


def test_no_tag_is_written_in_another_way() -> None:
    folders = ("local", "policies", "authorizer", "identities", "cdk", "cli")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    tags = sum(len(re.findall(r"\bunmeasured\b", path.read_text("utf-8"))) for path in files)
    assert tags == sum(not each.path.startswith("docs/") for each in entries())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.text[:60])
def test_each_entry_says_by_itself_what_is_unmeasured(entry: Entry) -> None:
    assert len(entry.text.split()) >= 7


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.text[:60])
def test_each_check_that_the_ledger_names_exists(entry: Entry) -> None:
    assert set(entry.checks) <= set(CHECKS)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.text[:60])
def test_each_source_is_a_kind_and_a_report_has_its_link_and_its_date(entry: Entry) -> None:
    report = re.fullmatch(r"reported(?: otherwise)?, https://\S+, (?:\d{1,2} [A-Z][a-z]+ )?20\d\d", entry.source)
    assert (entry.kind in ("documented", "assumed"), report is not None) in ((True, False), (False, True))
