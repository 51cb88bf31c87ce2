"""When a grant applies: `when` against the claims of a principal."""

import tomllib

import pytest

from iot_policies import Deny, Grant


def applies(when: str, claims: dict[str, object]) -> bool:
    return Grant.model_validate(tomllib.loads(f"when = {when}")).applies(claims)


@pytest.mark.parametrize(
    ("when", "claims"),
    [
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
        ('{ rooms = "*" }', {"rooms": "a"}),
        ('{ rooms = "*" }', {"rooms": ["a"]}),
        ('{ rooms = "*" }', {"rooms": {"a": 1}}),
        ('{ rooms = "*" }', {"rooms": 0}),
        ('{ rooms = "*" }', {"rooms": False}),
        ('{ realm_access.roles = "x" }', {"realm_access": {"roles": ["x"]}}),
        ('{ realm_access = { roles = "x" } }', {"realm_access": {"roles": ["x"]}}),
        ('{ "realm_access.roles" = "x" }', {"realm_access": {"roles": ["x"]}}),
        ('{ "https://example.com/roles" = "x" }', {"https://example.com/roles": "x"}),
        ('{ "https://example.com/app" = { role = "x" } }', {"https://example.com/app": {"role": "x"}}),
        ('{ "cognito:groups" = "x" }', {"cognito:groups": ["x"]}),
        ('{ "a.b" = "x" }', {"a.b": "x", "a": {"b": "y"}}),
        ('{ a.b.c = "x" }', {"a": {"b": {"c": "x"}}}),
    ],
)
def test_a_grant_applies(when: str, claims: dict[str, object]) -> None:
    assert applies(when, claims)


@pytest.mark.parametrize(
    ("when", "claims"),
    [
        ('{ role = "x" }', {}),
        ('{ role = "x" }', {"role": None}),
        ('{ role = "x" }', {"role": "xy"}),
        ('{ role = "x" }', {"role": "X"}),
        ('{ role = "x" }', {"role": []}),
        ('{ role = "x" }', {"role": [["x"]]}),
        ('{ role = "x" }', {"role": {"x": True}}),
        ('{ role = "x", site = "a" }', {"role": "x"}),
        ('{ role = "x", site = "a" }', {"role": "x", "site": "b"}),
        ("{ admin = true }", {"admin": 1}),
        ("{ admin = true }", {"admin": "true"}),
        ("{ admin = false }", {}),
        ("{ admin = false }", {"admin": 0}),
        ("{ level = 1 }", {"level": True}),
        ("{ level = 1 }", {"level": "1"}),
        ('{ level = "1" }', {"level": 1}),
        ('{ rooms = "*" }', {}),
        ('{ rooms = "*" }', {"rooms": None}),
        ('{ rooms = "*" }', {"rooms": ""}),
        ('{ rooms = "*" }', {"rooms": []}),
        ('{ rooms = "*" }', {"rooms": {}}),
        ('{ realm_access.roles = "x" }', {"realm_access": "x"}),
        ('{ realm_access.roles = "x" }', {"realm_access": {"role": "x"}}),
        ('{ realm_access.roles = "x" }', {"roles": "x"}),
    ],
)
def test_a_grant_does_not_apply(when: str, claims: dict[str, object]) -> None:
    assert not applies(when, claims)


def test_a_grant_without_when_applies_to_everyone() -> None:
    assert Grant(publish=("a",)).applies({})


def test_a_denial_has_the_same_when() -> None:
    denial = Deny.model_validate({"when": {"suspended": True}, "publish": ["#"]})
    assert [denial.applies({"suspended": suspended}) for suspended in (True, False, 1)] == [True, False, False]
