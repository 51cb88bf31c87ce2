"""Templates whose example principals would take too long are not covered."""

import pytest

from iot_policies import Deny, Grant, PolicyTemplate
from iot_policies.proofs import prove
from iot_policies.proofs.limits import MOST_CLAIMS, MOST_DOTS, beyond_limits


def topic(claims: int) -> str:
    return "/".join(f"{{claims.c{number}}}" for number in range(claims))


def name(dots: int) -> str:
    return ".".join("a" * (dots + 1))


TABLE: dict[str, tuple[Grant | Deny, str]] = {
    "claims in a topic": (Grant(publish=("x", topic(8))), 'grant[0], publish = "{claims.c0}/'),
    "dots in a condition": (Grant(publish=("x",), when={name(21): "x"}), "grant[0]: a.a."),
    "dots in a placeholder": (Grant(publish=(f"{{claims.{name(21)}}}",)), "grant[0]: a.a."),
    "dots in a deny": (Deny(publish=("x",), when={name(21): "x"}), "deny[0]: a.a."),
}


@pytest.mark.parametrize("kind", TABLE)
def test_a_template_is_not_covered_with_too_many(kind: str) -> None:
    block, expected = TABLE[kind]
    proof = prove(PolicyTemplate.of([block]))
    assert proof.verdict == "not covered"
    assert [line[: len(expected)] for line in proof.not_covered] == [expected]


def test_the_largest_numbers_are_tried() -> None:
    template = PolicyTemplate.of([Grant(publish=(topic(MOST_CLAIMS),), when={name(MOST_DOTS): "x"})])
    assert [*beyond_limits(template)] == []
