"""Credentials that stand in several places at once."""

from collections.abc import Mapping
from itertools import combinations

import pytest

from iot_authorizer import Door, Reason
from tests.authorizer.events import Event, event, every_door
from tests.authorizer.reading import read, refusal

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
OTHER = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
ORDER = (Door.TOKEN, Door.HEADER, Door.AUTHORIZATION, Door.QUERY, Door.USER_NAME, Door.PASSWORD)
PAIRS = tuple(combinations(ORDER, 2))


def at(tokens: Mapping[Door, str]) -> Event:
    """An event with a token at each of some doors."""

    def given(door: Door, form: str) -> str | None:
        return form.format(tokens[door]) if door in tokens else None

    headers = {"Token": given(Door.HEADER, "{}"), "Authorization": given(Door.AUTHORIZATION, "Bearer {}")}
    return event(
        token=given(Door.TOKEN, "{}"),
        headers={name: value for name, value in headers.items() if value is not None},
        query=given(Door.QUERY, "?token={}"),
        user_name=given(Door.USER_NAME, "ann?token={}"),
        password=tokens[Door.PASSWORD].encode() if Door.PASSWORD in tokens else None,
    )


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_same_token_at_two_doors_came_through_the_first(first: Door, second: Door) -> None:
    found = read(at({first: JWT, second: JWT}))
    assert (found.token, found.door) == (JWT, first)


def test_the_same_token_at_every_door_is_one_token() -> None:
    assert read(at(dict.fromkeys(ORDER, JWT))).token == JWT


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_different_tokens_at_two_doors_contradict_each_other(first: Door, second: Door) -> None:
    assert refusal(at({first: JWT, second: OTHER})) == Reason.CONFLICTING_CREDENTIALS


@pytest.mark.parametrize("odd", ORDER)
def test_one_token_that_differs_from_all_others_contradicts_them(odd: Door) -> None:
    assert refusal(at(dict.fromkeys(ORDER, JWT) | {odd: OTHER})) == Reason.CONFLICTING_CREDENTIALS


TWICE = {
    "headers": event(headers={"token": JWT, "Token": OTHER}),
    "query": event(query=f"?token={JWT}&token={OTHER}"),
    "access-token": event(query=f"?token={JWT}&access_token={OTHER}"),
    "user-name": event(user_name=f"?token={JWT}&token={OTHER}"),
}


@pytest.mark.parametrize("event", TWICE.values(), ids=TWICE)
def test_two_tokens_at_one_door_contradict_each_other(event: Event) -> None:
    assert refusal(event) == Reason.CONFLICTING_CREDENTIALS


def test_the_same_token_twice_at_one_door_is_one() -> None:
    assert read(event(query=f"?token={JWT}&access_token={JWT}")).token == JWT


PASSWORDLESS = [door for door in every_door(JWT) if door != "password"]


@pytest.mark.parametrize("door", PASSWORDLESS)
def test_a_token_beside_a_password_is_refused(door: str) -> None:
    both = every_door(JWT)[door]
    data = both["protocolData"]
    assert isinstance(data, dict)
    data["mqtt"] = {**data.get("mqtt", {}), "password": "c2VjcmV0"}
    assert refusal(both) == Reason.CONFLICTING_CREDENTIALS


def test_a_token_beside_an_empty_password_is_a_token() -> None:
    assert read(event(user_name=f"ann?token={JWT}", password=b"")).token == JWT


SPELLINGS = {
    "decoded-by-iot-core": ("a+b/c==", "a%2Bb%2Fc%3D%3D"),
    "passed-on-as-it-came": ("a%2Bb%2Fc%3D%3D", "a%2Bb%2Fc%3D%3D"),
    "raw-in-both": ("a+b/c==", "a+b/c=="),
}


@pytest.mark.parametrize(("token", "in_query"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_token_and_its_percent_encoded_spelling_are_one(token: str, in_query: str) -> None:
    found = read(event(token=token, user_name=f"?token={in_query}"))
    assert (found.token, found.door) == (token, Door.TOKEN)


def test_a_scheme_in_one_of_the_places_makes_no_difference() -> None:
    found = read(event(token=JWT, headers={"token": f"Bearer {JWT}"}))
    assert found.token == JWT


VERIFIED = {
    "verified": (event(token=JWT, signature_verified=True), True),
    "not-verified": (event(token=JWT, signature_verified=False), False),
    "not-said": (event(token=JWT), False),
    "header": (event(headers={"token": JWT}, signature_verified=True), False),
    "query": (event(query=f"?token={JWT}", signature_verified=True), False),
    "user-name": (event(user_name=f"?token={JWT}", signature_verified=True), False),
    "password": (event(password=JWT.encode(), signature_verified=True), False),
}


@pytest.mark.parametrize(("event", "verified"), VERIFIED.values(), ids=VERIFIED)
def test_only_the_token_that_iot_core_passes_on_counts_as_verified(event: Event, verified: bool) -> None:
    assert read(event).signature_verified is verified
