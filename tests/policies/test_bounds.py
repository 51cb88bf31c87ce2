"""However large a template or a claim is, it is answered soon."""

from itertools import product

import pytest

from iot_policies import Deny, Grant, InvalidTopics, PolicyTemplate, PolicyTooLarge, Principal, compile_policy
from iot_policies.placeholders import MOST_COMBINATIONS


def test_a_product_of_list_claims_is_refused_before_it_is_made() -> None:
    template = PolicyTemplate.of([Grant(publish=["{claims.a}/{claims.b}/{claims.c}"])])
    values = [str(number) for number in range(1000)]
    with pytest.raises(PolicyTooLarge) as refused:
        compile_policy(template, Principal("ann", {"a": values, "b": values, "c": values}))
    assert refused.value.resources == 1000**3


def test_many_entries_share_one_bound() -> None:
    values = [str(number) for number in range(100)]
    entries = [f"{{claims.a}}/{{claims.b}}/{number}" for number in range(1 + MOST_COMBINATIONS // len(values) ** 2)]
    with pytest.raises(PolicyTooLarge):
        compile_policy(PolicyTemplate.of([Grant(publish=entries)]), Principal("ann", {"a": values, "b": values}))


def test_a_plan_keeps_what_it_prepared_for_a_few_kinds_of_principals() -> None:
    plan = PolicyTemplate.of([Grant(publish=[f"a{number}"], when={f"c{number}": "*"}) for number in range(7)])
    kinds = list(product((False, True), repeat=7))
    first = plan.filling(kinds[0])
    assert plan.filling(kinds[0]) is first
    for kind in kinds:
        plan.filling(kind)
    assert plan.filling(kinds[0]) is not first


@pytest.mark.parametrize("text", ["a/" * 100_000, "a" * 2000], ids=["levels", "characters"])
def test_an_endless_entry_is_refused(text: str) -> None:
    with pytest.raises(InvalidTopics, match="at most"):
        PolicyTemplate.of([Grant(publish=[text])])


def test_a_level_full_of_placeholders_is_compared_soon() -> None:
    many = "".join(f"{{claims.{name}}}" for name in "abcdefghij")
    assert PolicyTemplate.of([Grant(publish=[f"{many}!/+", "a" * 60 + "/b"])]).entries


@pytest.mark.parametrize("block", [{"publish": ["a"]}, [Deny(publish=["a"])], None])
def test_what_is_neither_grant_nor_deny_is_an_error(block: object) -> None:
    with pytest.raises(TypeError):
        PolicyTemplate.of([Grant(publish=["a"]), block])  # type: ignore[list-item]
