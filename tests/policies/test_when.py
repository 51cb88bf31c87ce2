"""When a grant or a deny applies: `when` against the claims of a principal."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from iot_policies import AmbiguousClaim, Deny, Grant, InvalidName, UnclearDenial
from iot_policies.when import Scalar

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
    *(('{ rooms = "*" }', {"rooms": rooms}) for rooms in ("a", ["a"], {"a": 1}, 0, 0.0, True, [False, "a"], [[0]])),
    ("{ level = 1 }", {"level": 1.0}),
    ("{ level = 9007199254740993 }", {"level": 9007199254740993}),
    ('{ scope = "b" }', {"scope": "a b"}),
    ('{ scp = "b" }', {"scp": " a  b "}),
    ('{ scope = "b" }', {"scope": ["a", "b"]}),
    ('{ realm_access.roles = "x" }', {"realm_access": {"roles": ["x"]}}),
    ('{ realm_access = { roles = "x" } }', {"realm_access": {"roles": ["x"]}}),
    ('{ "realm_access.roles" = "x" }', {"realm_access": {"roles": ["x"]}}),
    ('{ "https://example.com/roles" = "x" }', {"https://example.com/roles": "x"}),
    ('{ "https://example.com/app" = { role = "x" } }', {"https://example.com/app": {"role": "x"}}),
    ('{ "cognito:groups" = "x" }', {"cognito:groups": ["x"]}),
    ('{ "a.b" = "x" }', {"a.b": "x", "a": {"c": "y"}}),
    ('{ "a.b" = "x" }', {"a.b": "x", "a": "y"}),
    ('{ role = "x" }', {"role": "x", "a.b": "x", "a": {"b": "y"}, "other": "\u200b"}),
    ('{ a.b.c = "x" }', {"a": {"b": {"c": "x"}}}),
]
NOT_THERE: tuple[object, ...] = (
    *(None, False, "", [], {}),
    *([False], [""], [None, False, ""], [[]], [{}], {"a": None}, {"a": [""]}, b"a"),
)
DOES_NOT_APPLY: list[tuple[str, Any]] = [
    ('{ role = "x" }', {}),
    *(('{ role = "x" }', {"role": role}) for role in (None, "xy", "X", [], [["x"]], {"x": True})),
    *(('{ role = "x", site = "a" }', {"role": "x", **site}) for site in ({}, {"site": "b"})),
    *(("{ admin = true }", {"admin": admin}) for admin in (1, "true")),
    *(("{ admin = false }", admin) for admin in ({}, {"admin": 0})),
    *(("{ level = 1 }", {"level": level}) for level in (True, "1")),
    ('{ level = "1" }', {"level": 1}),
    ('{ rooms = "*" }', {}),
    *(('{ rooms = "*" }', {"rooms": rooms}) for rooms in NOT_THERE),
    *(('{ realm_access.roles = "x" }', {"realm_access": roles}) for roles in ("x", {"role": "x"})),
    ('{ realm_access.roles = "x" }', {"roles": "x"}),
    ('{ realm_access.roles = "x" }', {"realm_access": [{"roles": "x"}]}),
    ("{ level = 9007199254740993 }", {"level": 9007199254740992.0}),
    ('{ scope = "b" }', {"scope": ["a b"]}),
    ('{ words = "b" }', {"words": "a b"}),
]


@pytest.mark.parametrize(
    ("when", "claims", "applies"), [*((*each, True) for each in APPLIES), *((*each, False) for each in DOES_NOT_APPLY)]
)
def test_a_grant_applies_if_the_claims_have_what_it_wants(when: str, claims: dict[str, object], applies: bool) -> None:
    assert Grant.model_validate(tomllib.loads(f"when = {when}")).applies(claims) is applies


def test_a_deeply_nested_claim_is_searched_for_a_value() -> None:
    nested: object = []
    for _ in range(10_000):
        nested = [nested]
    assert not Grant(when={"x": "*"}).applies({"x": nested})


def test_a_grant_without_when_applies_to_everyone() -> None:
    assert Grant(publish=("a",)).applies({})


def denies(when: str, claim: object) -> bool:
    """Whether a deny that names the claim `x` applies."""
    return Deny.model_validate(tomllib.loads(f"when = {{ x = {when} }}")).applies({"x": claim})


COVERED: list[tuple[str, tuple[object, ...]]] = [
    ("true", (True, 1, 1.0, "true", "TRUE", "True", "1", "yes", "Yes", "on", "ON", [False, "on"], [None, True])),
    ("false", (False, 0, 0.0, "false", "False", "0", "no", "NO", "off", ["x", "no"])),
    ("7", (7, 7.0, "7", "7.0", "07", "+7", [1, "7"])),
    ("1.5", (1.5, "1.5", "15e-1")),
    ("1", (1, "1", True)),
    ("9007199254740993", (9007199254740993, "9007199254740993")),
    ('"banned"', ("banned", "Banned", "BANNED", ["x", "banned"])),
    ('"true"', ("true", "TRUE", True)),
    ('"yes"', ("yes", True)),
    ('"no"', ("no", False)),
    ('"7"', ("7", 7, 7.0)),
    ('"straße"', ("straße", "STRASSE", "strasse", "STRAẞE")),
    ('"İ"', ("İ", "i\u0307")),
    ('"\u0390"', ("\u0390", "\u03aa\u0301")),
    ('["a", 7, true]', ("A", "7", "on", ["x", 1])),
    ('"*"', ("x", "", False, 0, [], [None], ["x"], "no")),
    ('["*"]', (False,)),
]
MANY: list[object] = [["*"], ("*",), {"*"}, frozenset({"*"})]


@pytest.mark.parametrize("values", MANY, ids=repr)
def test_a_list_in_python_can_have_any_type(values: object) -> None:
    for block in (Deny, Grant):
        assert block.model_validate({"when": {"x": values}}).applies({"x": "anything"})


@pytest.mark.parametrize("values", [(), ("*", "x"), ("x ",), (float("nan"),), [float("inf")]], ids=repr)
def test_values_that_no_claim_can_have_are_refused_in_python_too(values: object) -> None:
    with pytest.raises(ValidationError, match="x: "):
        Deny.model_validate({"when": {"x": values}})


NOT_COVERED: list[tuple[str, tuple[object, ...]]] = [
    ("true", (None, False, 0, 2, "false", "y", "truely", "", [], [None], [False, "no"])),
    ("false", (None, True, 1, "true", "", [], "none")),
    ("7", (None, 8, "8", "7a", "seven", True, "", [], 7.5)),
    ("9007199254740993", (9007199254740992, "9007199254740992")),
    ('"banned"', (None, "ban", "banned!", "", True, 1, [])),
    ('"007"', ("7",)),
    ('"I"', ("\u0131", "İ")),
    ('"*"', (None,)),
]


@pytest.mark.parametrize(("when", "claim"), [(when, claim) for when, claims in COVERED for claim in claims])
def test_a_deny_covers_each_spelling_of_its_value(when: str, claim: object) -> None:
    assert denies(when, claim)


@pytest.mark.parametrize(("when", "claim"), [(when, claim) for when, claims in NOT_COVERED for claim in claims])
def test_a_deny_does_not_cover_other_values(when: str, claim: object) -> None:
    assert not denies(when, claim)


UNCLEAR: tuple[object, ...] = (
    {},
    {"a": 1},
    [{}],
    ["x", {"a": 1}],
    [["true"]],
    [[]],
    b"x",
    float("nan"),
    float("inf"),
    [float("nan")],
)


@pytest.mark.parametrize("when", ["true", "7", '"x"', '"*"', '["x", 7]'])
@pytest.mark.parametrize("claim", UNCLEAR, ids=repr)
def test_a_claim_that_a_deny_cannot_read_refuses_the_connection(when: str, claim: object) -> None:
    with pytest.raises(UnclearDenial, match=r"^claims\.x cannot be compared by a deny: expected"):
        denies(when, claim)


@pytest.mark.parametrize("outer", [[{"b": "x"}], '{"b": "x"}', 7, True, {"c": {}, "b": {"c": "x"}}])
def test_a_path_that_leads_through_anything_but_objects_refuses_the_connection_in_a_deny(outer: object) -> None:
    with pytest.raises(UnclearDenial):
        Deny.model_validate({"when": {"a.b": "x"}}).applies({"a": outer})


@pytest.mark.parametrize("outer", [[{"b": "x"}], '{"b": "x"}', 7, True, []])
def test_a_claim_of_the_whole_name_does_not_hide_such_a_path_from_a_deny(outer: object) -> None:
    with pytest.raises(UnclearDenial):
        Deny.model_validate({"when": {"a.b": "x"}}).applies({"a": outer, "a.b": "y"})


@pytest.mark.parametrize("claims", [{}, {"a": None}, {"a": {}}, {"a": {"b": None}}, {"a": {}, "a.b": "y"}])
def test_a_path_that_ends_early_or_a_claim_of_the_whole_name_is_clear(claims: dict[str, object]) -> None:
    assert not Deny.model_validate({"when": {"a.b": "x"}}).applies(claims)


def test_an_unclear_claim_refuses_whatever_the_other_conditions_say() -> None:
    with pytest.raises(UnclearDenial):
        Deny.model_validate({"when": {"role": "x", "suspended": True}}).applies({"role": "y", "suspended": {}})


@pytest.mark.parametrize("block", [Grant, Deny])
@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("a.b", {"a.b": "x", "a": {"b": "x"}}),
        ("a.b", {"a.b": None, "a": {"b": "x"}}),
        ("a.b", {"a.b": "x", "a": {"b": None}}),
        ("a.b.c", {"a.b": {"c": "x"}, "a": {"b": {"c": "y"}}}),
        ("a.b.c", {"a": {"b.c": "x", "b": {"c": "y"}}}),
        ("https://a.b/c", {"https://a.b/c": "x", "https://a": {"b/c": "y"}}),
    ],
)
def test_a_claim_that_is_there_twice_refuses_the_connection(
    block: type[Grant] | type[Deny], name: str, claims: dict[str, object]
) -> None:
    with pytest.raises(AmbiguousClaim) as refused:
        block.model_validate({"when": {name: "x"}}).applies(claims)
    assert refused.value.source == f"claims.{name}"


@pytest.mark.parametrize("block", [Grant, Deny])
@pytest.mark.parametrize("claim", [" x", "x\t", "\u200bx", ["x", "y "], "jose\u0301", "x\ud800"], ids=ascii)
def test_a_claim_that_breaks_the_name_rule_refuses_the_connection(
    block: type[Grant] | type[Deny], claim: object
) -> None:
    with pytest.raises(InvalidName, match=r"^claims\.role (begins|has|is not composed)"):
        block.model_validate({"when": {"role": "x"}}).applies({"role": claim})


@pytest.mark.parametrize("scope", ["a\tb", "a\u00a0b", "a \u200bb"], ids=ascii)
def test_only_spaces_separate_the_words_of_a_scope(scope: str) -> None:
    with pytest.raises(InvalidName):
        Grant.model_validate({"when": {"scope": "b"}}).applies({"scope": scope})


@pytest.mark.parametrize("name", ["scope", "scp"])
def test_several_words_in_an_element_of_a_scope_refuse_the_connection_in_a_deny(name: str) -> None:
    deny = Deny.model_validate({"when": {name: "b"}})
    assert [deny.applies({name: words}) for words in ("a b", ["a", "b"], ["a"])] == [True, True, False]
    with pytest.raises(UnclearDenial):
        deny.applies({name: ["a b"]})


json_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(("x", "X", "7", "on", "*", "ß"))
)
json_values = st.one_of(
    json_scalars,
    st.lists(st.one_of(json_scalars, st.lists(json_scalars)), max_size=3),
    st.dictionaries(st.text(), json_scalars, max_size=2),
)
wanted_values = st.one_of(st.booleans(), st.integers(), st.sampled_from((7, 1.5, "x", "7", "on", "*", "ss")))


@given(json_values, wanted_values)
def test_what_meets_a_grant_never_escapes_a_deny_of_the_same_value(value: object, wanted: Scalar) -> None:
    claims = {"x": value}
    try:
        granted = Grant(when={"x": wanted}).applies(claims)
        denied = Deny(when={"x": wanted}).applies(claims)
    except (InvalidName, UnclearDenial):
        return
    assert denied or not granted


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_deny_covers_a_value_and_the_text_that_json_writes_for_it_and_each_covers_the_other(value: Scalar) -> None:
    written = json.dumps(value)
    for wanted, claim in ((value, value), (value, written), (written, value), (written, [None, written])):
        assert Deny(when={"x": wanted}).applies({"x": claim})
