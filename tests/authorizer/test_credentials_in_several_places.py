"""Credentials in several credential sources at once."""

from collections.abc import Mapping
from itertools import combinations

import pytest

from iot_authorizer import CredentialSource, Reason
from tests.authorizer.events import Event, event, every_source
from tests.authorizer.reading import read, refusal

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
OTHER = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"
ORDER = (
    CredentialSource.TOKEN,
    CredentialSource.HEADER,
    CredentialSource.AUTHORIZATION,
    CredentialSource.QUERY,
    CredentialSource.USER_NAME,
    CredentialSource.PASSWORD,
)
PAIRS = tuple(combinations(ORDER, 2))


def at(tokens: Mapping[CredentialSource, str]) -> Event:
    """An event with a token at each of some sources."""

    def given(source: CredentialSource, form: str) -> str | None:
        return form.format(tokens[source]) if source in tokens else None

    headers = {
        "Token": given(CredentialSource.HEADER, "{}"),
        "Authorization": given(CredentialSource.AUTHORIZATION, "Bearer {}"),
    }
    return event(
        token=given(CredentialSource.TOKEN, "{}"),
        headers={name: value for name, value in headers.items() if value is not None},
        query=given(CredentialSource.QUERY, "?token={}"),
        user_name=given(CredentialSource.USER_NAME, "ann?token={}"),
        password=tokens[CredentialSource.PASSWORD].encode() if CredentialSource.PASSWORD in tokens else None,
    )


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_same_token_at_two_sources_came_through_the_first(
    first: CredentialSource, second: CredentialSource
) -> None:
    found = read(at({first: JWT, second: JWT}))
    assert (found.token, found.source) == (JWT, first)


def test_the_same_token_at_every_source_is_one_token() -> None:
    found = read({**at(dict.fromkeys(ORDER, JWT)), "signatureVerified": True})
    assert (found.token, found.signature_verified) == (JWT, True)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_different_tokens_at_two_sources_contradict_each_other(
    first: CredentialSource, second: CredentialSource
) -> None:
    assert refusal(at({first: JWT, second: OTHER})) == Reason.CONFLICTING_CREDENTIALS


@pytest.mark.parametrize("odd", ORDER)
def test_one_token_that_differs_from_all_others_contradicts_them(odd: CredentialSource) -> None:
    assert refusal(at(dict.fromkeys(ORDER, JWT) | {odd: OTHER})) == Reason.CONFLICTING_CREDENTIALS


TWICE = {
    "headers": event(headers={"token": JWT, "Token": OTHER}),
    "query": event(query=f"?token={JWT}&token={OTHER}"),
    "access-token": event(query=f"?token={JWT}&access_token={OTHER}"),
    "user-name": event(user_name=f"?token={JWT}&token={OTHER}"),
}


@pytest.mark.parametrize("event", TWICE.values(), ids=TWICE)
def test_two_tokens_at_one_source_contradict_each_other(event: Event) -> None:
    assert refusal(event) == Reason.CONFLICTING_CREDENTIALS


PASSWORDLESS = [source for source in every_source(JWT) if source != "password"]


@pytest.mark.parametrize("source", PASSWORDLESS)
def test_a_token_beside_a_password_is_refused(source: str) -> None:
    both = every_source(JWT)[source]
    data = both["protocolData"]
    assert isinstance(data, dict)
    data["mqtt"] = {**data.get("mqtt", {}), "password": "c2VjcmV0"}
    assert refusal(both) == Reason.CONFLICTING_CREDENTIALS


SAME = {
    "decoded-by-iot-core": ("a+b/c==", event(token="a+b/c==", user_name="?token=a%2Bb%2Fc%3D%3D")),
    "passed-on-as-it-came": ("a%2Bb%2Fc%3D%3D", event(token="a%2Bb%2Fc%3D%3D", user_name="?token=a%2Bb%2Fc%3D%3D")),
    "raw-in-both": ("a+b/c==", event(token="a+b/c==", user_name="?token=a+b/c==")),
    "with-a-scheme": (JWT, event(token=JWT, headers={"token": f"Bearer {JWT}"})),
    "twice-at-one-source": (JWT, event(token=JWT, query=f"?token={JWT}&access_token={JWT}")),
    "beside-an-empty-value": (JWT, event(token=JWT, query=f"?token=&token={JWT}")),
    "beside-an-empty-password": (JWT, event(token=JWT, password=b"")),
}


@pytest.mark.parametrize(("token", "event"), SAME.values(), ids=SAME)
def test_two_spellings_of_a_token_are_one(token: str, event: Event) -> None:
    found = read(event)
    assert (found.token, found.source) == (token, CredentialSource.TOKEN)


VERIFIED = {
    "verified": (event(token=JWT, signature_verified=True), True),
    "not-verified": (event(token=JWT, signature_verified=False), False),
    "not-said": (event(token=JWT), False),
    "header": (event(headers={"token": JWT}, signature_verified=True), False),
    "query": (event(query=f"?token={JWT}", signature_verified=True), False),
    "query-beside-an-empty-token": (event(token="", query=f"?token={JWT}", signature_verified=True), False),
    "user-name": (event(user_name=f"?token={JWT}", signature_verified=True), False),
    "password": (event(password=JWT.encode(), signature_verified=True), False),
}


@pytest.mark.parametrize(("event", "verified"), VERIFIED.values(), ids=VERIFIED)
def test_only_the_token_that_iot_core_passes_on_counts_as_verified(event: Event, verified: bool) -> None:
    found = read(event)
    assert (found.token, found.signature_verified) == (JWT, verified)
