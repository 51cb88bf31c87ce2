"""When a grant applies: `when` against the claims of a principal."""

import tomllib
from typing import Any

import pytest

from iot_policies import Deny, Grant

APPLIES: list[tuple[str, Any]] = [
    ('{ role = "x" }', {"role": "x"}),
    ('{ role = "x" }', {"role": ["y", "x"]}),
    ('{ role = ["x", "y"] }', {"role": "y"}),
    ('{ role = ["x", "y"] }', {"role": ["z", "y"]}),
    ('{ role = "x", site = "a" }', {"role": "x", "site": "a"}),
    ("{ admin = true }", {"admin": True}),
    ("{ admin = false }", {"admin": False}),
    ("{ level = 1 }", {"level": 1}),
    ("{ level = 1.5 }", {"level": 1.5}),
    ("{ level = [1, 2] }", {"level": [2]}),
    *(('{ rooms = "*" }', {"rooms": rooms}) for rooms in ("a", ["a"], {"a": 1}, 0, False)),
    ('{ realm_access.roles = "x" }', {"realm_access": {"roles": ["x"]}}),
    ('{ realm_access = { roles = "x" } }', {"realm_access": {"roles": ["x"]}}),
    ('{ "realm_access.roles" = "x" }', {"realm_access": {"roles": ["x"]}}),
    ('{ "https://example.com/roles" = "x" }', {"https://example.com/roles": "x"}),
    ('{ "https://example.com/app" = { role = "x" } }', {"https://example.com/app": {"role": "x"}}),
    ('{ "cognito:groups" = "x" }', {"cognito:groups": ["x"]}),
    ('{ "a.b" = "x" }', {"a.b": "x", "a": {"b": "y"}}),
    ('{ a.b.c = "x" }', {"a": {"b": {"c": "x"}}}),
]
NO_ROOMS: tuple[object, ...] = (None, "", [], {})
DOES_NOT_APPLY: list[tuple[str, Any]] = [
    ('{ role = "x" }', {}),
    *(('{ role = "x" }', {"role": role}) for role in (None, "xy", "X", [], [["x"]], {"x": True})),
    *(('{ role = "x", site = "a" }', {"role": "x", **site}) for site in ({}, {"site": "b"})),
    *(("{ admin = true }", {"admin": admin}) for admin in (1, "true")),
    *(("{ admin = false }", admin) for admin in ({}, {"admin": 0})),
    *(("{ level = 1 }", {"level": level}) for level in (True, "1")),
    ('{ level = "1" }', {"level": 1}),
    ('{ rooms = "*" }', {}),
    *(('{ rooms = "*" }', {"rooms": rooms}) for rooms in NO_ROOMS),
    *(('{ realm_access.roles = "x" }', {"realm_access": roles}) for roles in ("x", {"role": "x"})),
    ('{ realm_access.roles = "x" }', {"roles": "x"}),
]


@pytest.mark.parametrize(
    ("when", "claims", "applies"), [*((*each, True) for each in APPLIES), *((*each, False) for each in DOES_NOT_APPLY)]
)
def test_a_grant_applies_if_the_claims_have_what_it_wants(when: str, claims: dict[str, object], applies: bool) -> None:
    assert Grant.model_validate(tomllib.loads(f"when = {when}")).applies(claims) is applies


def test_a_grant_without_when_applies_to_everyone() -> None:
    assert Grant(publish=("a",)).applies({})


def test_a_denial_has_the_same_when() -> None:
    denial = Deny.model_validate({"when": {"suspended": True}, "publish": ["#"]})
    assert [denial.applies({"suspended": suspended}) for suspended in (True, False, 1)] == [True, False, False]
