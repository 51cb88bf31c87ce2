"""Every reason code has its test."""

import re
from pathlib import Path

import pytest

from iot_authorizer import Reason

TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_given_in_some_test(reason: Reason) -> None:
    assert re.search(rf"\bReason\.{reason.name}\b", TESTS)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_the_code_of_its_name(reason: Reason) -> None:
    assert reason == reason.name.lower()
