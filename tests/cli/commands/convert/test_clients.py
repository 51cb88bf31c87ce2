"""Which clients `convert acl` compares: none that a file could tell apart is missing."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer_cli.commands.convert.acl_file import Use
from iot_authorizer_cli.commands.convert.acl_meaning import AclClient
from iot_authorizer_cli.commands.convert.clients import clients
from iot_authorizer_cli.commands.convert.conversion import CLAIM, NO_RULES, AllowedClientIds
from iot_authorizer_cli.commands.convert.differences import ClientComparison, ComparedClient
from iot_policies import Principal
from tests.cli.commands.convert.test_command import report
from tests.cli.commands.convert.test_differences import Converted
from tests.effort import examples

LONG_PATTERNS = "".join(f"pattern read topic-number-{number}/%u/and-some-more-text\n" for number in range(60))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pattern read %u/+/%u/#\npattern deny any/#\n", "a user without rules receive any-other/any1/any-other"),
        ("pattern read %u/a/b\npattern deny x/+\n", "a user without rules receive x/a/b"),
        ("pattern read %u/a/b\npattern deny x-%c/+\n", "a user without rules receive x-any-client/a/b"),
        ("pattern read %u%c/a/b\npattern deny mine/+\n", "a user without rules receive mine/a/b"),
        ("user ann\ntopic read x/ann-1\npattern deny x/%u-%c\n", "user ann receive x/ann-1"),
        ("user ann\ntopic read x/1-1\npattern deny x/%c-%c\n", "user ann receive x/1-1"),
        ("user ann\ntopic read x/%c1\npattern deny x/%c\n", "user ann receive x/%c1"),
        ("user a%c\ntopic read x/a%c-1\npattern deny x/%u-%c\n", "user a%c receive x/a%c-1"),
        (
            LONG_PATTERNS,
            "a user without rules, with a name of 128 characters gets no policy here: policy_too_large",
        ),
    ],
)
def test_a_difference_of_special_names_and_client_ids_is_found(tmp_path: Path, text: str, found: str) -> None:
    assert found in report(tmp_path, text, "--client-ids", "any")


NAMES = ("any", "a", "b", "x-a", "a-b", "dora")
_LEVELS = st.sampled_from(("%u", "%c", "x-%u", "x-%c", "%u-%c", "any", "a", "a-b"))
PATTERNS = st.builds("pattern read {}/{}/{}\npattern deny {}/+\n".format, _LEVELS, _LEVELS, _LEVELS, _LEVELS)
"""The deny of the template also denies deeper levels, so there is a difference if the first levels can be equal."""


@examples(0.2)
@given(PATTERNS, st.sampled_from(AllowedClientIds))
def test_a_user_without_rules_differs_only_in_what_some_compared_one_does(
    text: str, client_ids: AllowedClientIds
) -> None:
    converted = Converted(text, client_ids)

    def found(client: ComparedClient) -> set[tuple[Use | None, int | None]]:
        differences = ClientComparison(converted.template, client).differences()
        return {(each.use, each.rule and each.rule.line) for each in differences}

    compared = clients(converted.acl, converted.conversion.claims, client_ids, anonymous=False)
    told = {each for label, client in compared if "without rules" in label for each in found(client)}
    for name, client_id in product(NAMES, NAMES):
        if name == client_id or client_ids is AllowedClientIds.ANY:
            rules = AclClient.of(converted.acl, name, client_id)
            its = ComparedClient(rules, Principal(name, {CLAIM: NO_RULES}), client_id)
            assert found(its) <= told, (name, client_id)
