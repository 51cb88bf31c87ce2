"""The proofs' reading of claims, against the compiler's: neither shares code with the other."""

import sys

import pytest

from iot_policies import Deny
from iot_policies.names import name_problem
from iot_policies.proofs.claims import applies, is_name

WANTED = (True, False, 1, 0, 7, -7, 1.5, "1", "1.0", "yes", "OFF", "a", "0", 9007199254740992, 10**400)
SAID = (
    *WANTED,
    *("true", "1.0", "01", "+1", "1e0", "1_0", "on", "TRUE", "0.0", "-0", "no", "-0.0", "nan", "inf", "", "7e0", "+7"),
    *(1.0, 0.0, -0.0, 2, "9007199254740993", "9007199254740992.0", 9007199254740993, 9007199254740992.0, "1e400"),
)


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: repr(wanted)[:20])
def test_a_deny_covers_the_same_values(wanted: bool | float | str) -> None:
    block = Deny.model_validate({"when": {"x": wanted}, "publish": ["a"]})
    told_apart = [said for said in SAID if applies(block, {"x": said}) is bool(block.unmet({"x": said}))]
    assert told_apart == []


@pytest.mark.slow
def test_the_same_characters_are_names() -> None:
    texts = (f"a{chr(code)}b" for code in range(sys.maxunicode + 1))
    assert [text for text in texts if is_name(text) is not (name_problem(text) is None)] == []
