"""A compiled policy beside its template, line by line."""

from pathlib import Path

import pytest

from iot_authorizer_cli.console.policy import CompiledPolicy, compiled
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_policies import PolicyTemplate
from iot_policies.account_region import EXAMPLE_PLACE

TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
publish   = [
    "users/{principal}/outbox",
    "rooms/{claims.rooms}/say/{principal}",
]

[[grant]]
when      = { role = ["moderator", "admin"], level = 3, paid = true, team = "*" }
publish   = ["rooms/+/mute/+"]
"""
MODERATOR = {"role": "admin", "level": 3, "paid": True, "team": "red"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(TEMPLATE)
    return path


def of(path: Path, claims: dict[str, object], name: str = "ann", client_id: str | None = None) -> CompiledPolicy:
    template = PolicyTemplate.load(path)
    principal = principal_of(name, claims)
    return compiled(TemplateText.saved(path, template), principal, client_id, EXAMPLE_PLACE)


def test_an_entry_has_its_own_line_within_a_list(path: Path) -> None:
    assert [entry["line"] for entry in of(path, {})["entries"]] == [2, 4, 5, 10]


NEEDS = (
    "needs role = moderator or admin, but role is missing; level = 3, but level is missing; "
    "paid = true, but paid is missing; the claim team, but team is missing"
)


@pytest.mark.parametrize(
    ("claims", "entry", "why_not"),
    [
        ({}, 0, None),
        ({}, 2, "claims.rooms is missing"),
        ({}, 3, NEEDS),
        ({"role": "admin", "level": 3, "team": "red"}, 3, "needs paid = true, but paid is missing"),
        (MODERATOR, 3, None),
    ],
)
def test_an_entry_says_why_it_does_not_apply(
    path: Path, claims: dict[str, object], entry: int, why_not: str | None
) -> None:
    found = of(path, claims)["entries"][entry]
    assert (found["applies"], found["why_not"]) == (why_not is None, why_not)


def test_a_resource_names_the_lines_that_ask_for_it_and_so_does_the_deny_of_a_plus(path: Path) -> None:
    statements = of(path, MODERATOR)["statements"]
    found = {row["text"]: row["lines"] for each in statements for row in each["resources"]}
    assert found["topic/users/ann/outbox"] == [4]
    denied = [row["lines"] for each in statements if each["effect"] == "Deny" for row in each["resources"]]
    assert denied == [[10], [10]]


def test_a_principal_without_a_policy_has_an_error(path: Path) -> None:
    found = of(path, {}, name="+")
    assert (found["error"], found["documents"]) == ('unsafe_value: principal cannot be a topic level: it is "+"', [])


def test_the_characters_are_those_that_iot_core_counts(path: Path) -> None:
    found = of(path, {})
    assert len(found["characters"]) == len(found["documents"]) == 1
    assert 0 < found["characters"][0] <= 2048


def test_it_says_whether_a_client_id_is_granted(path: Path) -> None:
    assert [of(path, {}, client_id=each)["may_connect"] for each in (None, "ann", "bob")] == [None, True, False]


def test_the_claims_are_those_of_a_token_with_a_list_of_scopes(path: Path) -> None:
    path.write_text('[[grant]]\nwhen = { scope = "chat" }\npublish = ["{claims.sub}/x"]\n')
    assert "topic/ann/x" in str(of(path, {"scope": "openid chat"})["statements"])
