"""Two engines that share no code find the same differences: levels and automata, characters and sets of places.

The policies are those of random templates and principals, as they are and with one resource lost. There are 10,000
templates in `make test-long`.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from iot_authorizer_cli.checking.drawn_principals import drawn
from iot_authorizer_cli.checking.expected_policies import expected_policy
from iot_authorizer_cli.checking.policy_comparison import differences_of
from iot_authorizer_cli.checking.template_lines import TemplateLine
from iot_policies import Grant, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.packing import Statement, pack
from iot_policies.proofs.claims import MustBeRefused
from iot_policies.proofs.languages import Languages, resources_of
from iot_policies.proofs.meaning import Meaning, meaning
from iot_policies.proofs.patterns import NotCovered
from tests.effort import examples
from tests.policies.proofs.random_templates import random_template


def lines_of(template: PolicyTemplate) -> list[TemplateLine]:
    """The entries of a template as the other engine reads them."""
    return [
        TemplateLine(
            "grant" if isinstance(each.block, Grant) else "deny",
            each.number,
            each.key,
            each.place,
            each.text,
            each.block.model_dump(mode="json", exclude_none=True),
        )
        for each in template.entries
    ]


def policies(statements: Sequence[Statement], draw: Random) -> Iterator[tuple[Statement, ...]]:
    """The statements, and the statements with one resource less."""
    yield tuple(statements)
    number = draw.randrange(len(statements))
    heading, resources = statements[number]
    at = draw.randrange(len(resources))
    changed = Statement(heading, resources[:at] + resources[at + 1 :])
    lost = (each if index != number else changed for index, each in enumerate(statements))
    yield tuple(each for each in lost if each.resources)


def compiled(template: PolicyTemplate, asked: Mapping[str, Any]) -> tuple[Meaning, Sequence[Statement]] | None:
    principal, client_id = Principal(asked["principal"], asked["claims"]), asked["client_id"]
    try:
        return meaning(template, principal, client_id), compile_policy(template, principal, client_id).statements
    except (PolicyError, MustBeRefused):
        return None


@pytest.mark.slow
@given(st.integers(0, 10**9))
@examples(10 / 3)
def test_policies_of_a_random_template_are_right_and_a_lost_resource_is_found_by_both_or_by_neither(seed: int) -> None:
    draw = Random(seed)
    template = random_template(draw)
    lines, languages = lines_of(template), Languages()
    policies_of = ((asked, found) for asked in drawn(lines, str(seed), 3) if (found := compiled(template, asked)))
    asked, found = next(policies_of, None) or reject()
    for number, statements in enumerate(policies(found[1], draw)):
        documents = pack(statements, EXAMPLE_PLACE.arn_prefix("iot"))
        try:
            difference = languages.difference(resources_of(statements), found[0])
        except NotCovered:
            continue
        meant = expected_policy(lines, template.topic_prefix, asked)
        others = [*differences_of(meant, documents)]
        assert (difference is None) == (others == []), (asked, difference, others)
        assert number or difference is None
