"""The rules for passwords, claims and times."""

import pytest

from iot_authorizer_cli.commands.users.rules import check_chosen, checked_claims, parsed_flag, parsed_time


@pytest.mark.parametrize("password", [b"12345678", b"\xff" * 8, b"x" * 1024, "pässword".encode()])
def test_a_password_of_eight_characters_is_accepted(password: bytes) -> None:
    check_chosen(password, "ann")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        (b"", "1 to 1024 bytes"),
        (b"x" * 1025, "1 to 1024 bytes"),
        (b"1234567", "at least 8 characters"),
        ("äöüäöü".encode(), "at least 8 characters"),
        (b"Pump-Number-7", "must not be the user name"),
    ],
)
def test_a_weak_password_is_refused(password: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_chosen(password, "pump-number-7")


DEEP = '{"a":' * 100_000
CLAIMS = ["{", "[]", '"x"', "null", '{"a": NaN}', '{"a": "\\ud800"}', '{"a": "' + "x" * 65536 + '"}', DEEP]


@pytest.mark.parametrize("text", CLAIMS, ids=lambda text: text[:12])
def test_claims_that_no_table_can_store_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a JSON object of at most 65536 bytes"):
        checked_claims(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-01", 1798761600),
        ("2027-01-01T00:00:00Z", 1798761600),
        ("2027-01-01T01:00:00+01:00", 1798761600),
        ("1798761600", 1798761600),
    ],
)
def test_a_time_is_a_date_a_time_with_a_zone_or_seconds(text: str, moment: int) -> None:
    assert parsed_time(text) == moment


TIMES = ["20270101", "1798761600000", "2027-02-30", "2027-01-01T00:00:00", "01.02.2027", "soon", "-5", "²" * 10]


@pytest.mark.parametrize("text", TIMES)
def test_an_ambiguous_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        parsed_time(text)


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("TRUE", True), ("1", True), ("no", False), ("0", False)])
def test_a_flag_is_written_as_spreadsheets_write_it(text: str, flag: bool) -> None:
    assert parsed_flag(text) is flag


def test_any_other_word_is_not_a_flag() -> None:
    with pytest.raises(ValueError, match="expected true or false"):
        parsed_flag("maybe")
