"""The values of placeholders, one example of each kind."""

import pytest

from iot_policies import (
    Deny,
    Grant,
    InvalidName,
    NothingGranted,
    PolicyTemplate,
    Principal,
    UnclearDenial,
    UnsafeValue,
    compile_policy,
)
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


@pytest.mark.parametrize(
    "value",
    [
        *(True, 1.5, {"a": "b"}, [["lobby"]], [None], "", [""], b"lobby", ["lobby", "*"]),
        *(f"a{character}b" for character in "/+#*?$"),
        *(1.0, float("nan"), ["lobby", False]),
        *(pytest.param(10**5000, id="a long number"), pytest.param("é" * 64 + "e", id="129 bytes")),
    ],
    ids=ascii,
)
def test_a_value_that_is_not_a_level_refuses_the_connection(value: object) -> None:
    with pytest.raises(UnsafeValue):
        statements(value)


@pytest.mark.parametrize(
    "value", ["a\0b", "a\x9fb", "a" + chr(0xD800), " a", ["b", "a\u200b"], "jose\u0301"], ids=ascii
)
def test_a_value_that_breaks_the_name_rule_refuses_the_connection(value: object) -> None:
    with pytest.raises(InvalidName) as refusal:
        statements(value)
    assert (refusal.value.source, refusal.value.reason) == ("claims.rooms", "invalid_name")


@pytest.mark.parametrize(
    ("name", "client_id", "source"),
    [("jose\u0301", "a", "principal"), ("ann ", None, "principal"), ("ann", "a\u200b", "client_id")],
    ids=ascii,
)
def test_a_principal_and_a_client_id_obey_the_name_rule_even_if_no_entry_names_them(
    name: str, client_id: str | None, source: str
) -> None:
    with pytest.raises(InvalidName) as refusal:
        compile_policy(PolicyTemplate.of([Grant(publish=("a",))]), Principal(name), client_id)
    assert refusal.value.source == source


@pytest.mark.parametrize("outer", [[{"rooms": "x"}], "x", 7])
def test_a_placeholder_whose_path_leads_through_anything_but_objects_refuses_the_connection_in_a_deny(
    outer: object,
) -> None:
    blocks: list[Grant | Deny] = [Grant(publish=("#",)), Deny(when={"role": "x"}, publish=("{claims.hidden.rooms}/#",))]
    template = PolicyTemplate.of(blocks)
    assert compile_policy(template, Principal("ann", {"hidden": outer}))
    with pytest.raises(UnclearDenial):
        compile_policy(template, Principal("ann", {"role": "x", "hidden": outer}))


def test_the_words_of_a_scope_are_levels() -> None:
    template = PolicyTemplate.of([Grant(publish=("{claims.scope}/{claims.scp}",))])
    (statement,) = compile_policy(template, Principal("ann", {"scope": " a  b", "scp": "c"})).statements
    assert statement.resources == ("topic/a/c", "topic/b/c")


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


@pytest.mark.parametrize(("client_id", "denied"), [("phone", "phone"), (None, "*")])
def test_a_client_that_named_no_id_is_denied_what_a_deny_says_of_any_id(client_id: str | None, denied: str) -> None:
    """Otherwise a client could do over HTTPS, where there is no client ID, what is denied over MQTT."""
    template = PolicyTemplate.of(
        [Grant(publish=("a/+/x",)), Deny(connect=("{client_id}",), publish=("a/{client_id}/x",))]
    )
    statements = compile_policy(template, Principal("ann"), client_id).statements
    found = {each for statement in statements if statement.heading.effect == "Deny" for each in statement.resources}
    assert found == {f"client/{denied}", f"topic/a/{denied}/x", "topic/a/*/*/x"}


@pytest.mark.parametrize(
    ("entry", "claims", "expected"),
    [
        ("r/{claims.realm_access.roles}/x", {"realm_access": {"roles": ["a"]}}, ["r/a/x"]),
        ("r/{claims.cognito:groups}/x", {"cognito:groups": ["a"]}, ["r/a/x"]),
        ("r/{claims.https://example.com/rooms}/x", {"https://example.com/rooms": "a"}, ["r/a/x"]),
        ("r/{claims.a.b}/x", {"a.b": "a", "a": {"c": "c"}}, ["r/a/x"]),
        pytest.param("r/{claims.a.b}/x", {"a": "b"}, [], id="no object for the dots"),
        pytest.param("r/{claims.a.b}/x", {"a": [{"b": "c"}]}, [], id="a list for the dots"),
        pytest.param("{claims.a}/to/{claims.a}", {"a": ["x", "y"]}, ["x/to/x", "y/to/y"], id="one value written twice"),
        pytest.param(
            "{claims.a}/{claims.b}",
            {"a": ["x", "y"], "b": ["1", "2"]},
            ["x/1", "x/2", "y/1", "y/2"],
            id="each pair of two lists",
        ),
    ],
)
def test_a_claim_is_found_by_its_whole_name_or_else_by_its_dots(
    entry: str, claims: dict[str, object], expected: list[str]
) -> None:
    template = PolicyTemplate.of([Grant(publish=(entry, "always"))])
    (statement,) = compile_policy(template, Principal("ann", claims)).statements
    assert statement.resources == tuple(f"topic/{topic}" for topic in (*expected, "always"))
