"""The values of placeholders, one example of each kind."""

import pytest

from iot_policies import Grant, NothingGranted, PolicyTemplate, Principal, UnsafeValue, compile_policy
from iot_policies.packing import Statement

TEMPLATE = PolicyTemplate.of([Grant(publish=("rooms/{claims.rooms}",))])


def statements(rooms: object) -> tuple[Statement, ...]:
    return compile_policy(TEMPLATE, Principal("ann", {"rooms": rooms})).statements


def resources(rooms: object) -> tuple[str, ...]:
    return tuple(resource for statement in statements(rooms) for resource in statement.resources)


@pytest.mark.parametrize(
    ("rooms", "levels"),
    [
        ("lobby", ["lobby"]),
        (["lobby", "attic"], ["lobby", "attic"]),
        pytest.param(["lobby", "lobby"], ["lobby"], id="duplicates count once"),
        ([7], ["7"]),
        pytest.param("é" * 64, ["é" * 64], id="128 bytes"),
        pytest.param("{0}{principal}", ["{0}{principal}"], id="braces are not filled again"),
    ],
)
def test_a_text_a_whole_number_or_each_element_of_a_list_is_a_level(rooms: object, levels: list[str]) -> None:
    assert resources(rooms) == tuple(f"topic/rooms/{level}" for level in levels)


@pytest.mark.parametrize("missing", [None, [], ()])
def test_a_claim_without_a_value_drops_its_entry(missing: object) -> None:
    with pytest.raises(NothingGranted):
        statements(missing)


@pytest.mark.parametrize("value", [True, 1.5, {"a": "b"}, [["lobby"]], [None], "", [""], b"lobby", ["lobby", "*"]])
def test_a_value_that_is_not_a_level_refuses_the_connection(value: object) -> None:
    with pytest.raises(UnsafeValue):
        statements(value)


@pytest.mark.parametrize("value", [10**5000, "é" * 64 + "e"], ids=["number", "129 bytes"])
def test_a_value_too_long_for_a_level_refuses_the_connection(value: object) -> None:
    with pytest.raises(UnsafeValue):
        statements(value)


@pytest.mark.parametrize("character", [*"/+#*?$", "\0", "\x1f", "\x7f", "\x9f", chr(0xD800), chr(0xDFFF)])
def test_a_character_with_a_meaning_refuses_the_connection(character: str) -> None:
    with pytest.raises(UnsafeValue):
        statements(f"a{character}b")


def test_an_unsafe_value_that_no_applicable_entry_names_does_no_harm() -> None:
    template = PolicyTemplate.of([Grant(publish=("a",)), Grant(when={"role": "x"}, publish=("{claims.rooms}",))])
    assert compile_policy(template, Principal("ann", {"rooms": "*"})).statements[0].resources == ("topic/a",)


def test_the_refusal_names_the_claim_and_has_its_reason_code() -> None:
    with pytest.raises(UnsafeValue) as refusal:
        statements("secret/#")
    assert (refusal.value.source, refusal.value.reason) == ("claims.rooms", "unsafe_value")


def test_an_unsafe_client_id_refuses_the_connection() -> None:
    template = PolicyTemplate.of([Grant(connect=("{client_id}",))])
    with pytest.raises(UnsafeValue) as refusal:
        compile_policy(template, Principal("ann"), "a*")
    assert refusal.value.source == "client_id"


def test_a_client_that_named_no_id_loses_the_entries_that_name_it() -> None:
    template = PolicyTemplate.of([Grant(connect=("{client_id}", "{principal}"))])
    assert compile_policy(template, Principal("ann")).statements[0].resources == ("client/ann",)


def test_one_placeholder_written_twice_is_one_value() -> None:
    template = PolicyTemplate.of([Grant(publish=("{claims.rooms}/to/{claims.rooms}",))])
    policy = compile_policy(template, Principal("ann", {"rooms": ["a", "b"]}))
    assert policy.statements[0].resources == ("topic/a/to/a", "topic/b/to/b")


def test_two_list_claims_give_each_pair() -> None:
    template = PolicyTemplate.of([Grant(publish=("{claims.rooms}/{claims.kinds}",))])
    policy = compile_policy(template, Principal("ann", {"rooms": ["a", "b"], "kinds": ["x", "y"]}))
    assert policy.statements[0].resources == ("topic/a/x", "topic/a/y", "topic/b/x", "topic/b/y")


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("claims.realm_access.roles", {"realm_access": {"roles": ["a"]}}),
        ("claims.cognito:groups", {"cognito:groups": ["a"]}),
        ("claims.https://example.com/rooms", {"https://example.com/rooms": "a"}),
        ("claims.a.b", {"a.b": "a", "a": {"b": "c"}}),
    ],
)
def test_a_claim_is_found_by_its_whole_name_or_else_by_its_dots(name: str, claims: dict[str, object]) -> None:
    template = PolicyTemplate.of([Grant(publish=(f"r/{{{name}}}/x",))])
    assert compile_policy(template, Principal("ann", claims)).statements[0].resources == ("topic/r/a/x",)


def test_a_dotted_name_that_meets_no_table_is_missing() -> None:
    template = PolicyTemplate.of([Grant(publish=("r/{claims.a.b}",))])
    with pytest.raises(NothingGranted):
        compile_policy(template, Principal("ann", {"a": "b"}))
