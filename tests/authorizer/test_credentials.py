"""Credentials in each credential source."""

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import CredentialSource, Reason, Refusal
from iot_authorizer.tokens import read_token
from tests.authorizer.events import SDK, Event, anonymous, bearer, event, with_password
from tests.authorizer.reading import read, refusal

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
TOKENS = {
    "event-token": (event(token="t0k"), CredentialSource.TOKEN),
    "event-token-with-scheme": (event(token="Bearer t0k"), CredentialSource.TOKEN),
    "header": (event(headers={"token": "t0k"}), CredentialSource.HEADER),
    "header-upper-case": (event(headers={"TOKEN": "t0k"}), CredentialSource.HEADER),
    "header-with-scheme": (event(headers={"token": "bearer t0k"}), CredentialSource.HEADER),
    "authorization": (bearer("t0k"), CredentialSource.AUTHORIZATION),
    "authorization-lower-case": (event(headers={"authorization": "bearer t0k"}), CredentialSource.AUTHORIZATION),
    "authorization-upper-case": (event(headers={"AUTHORIZATION": "BEARER t0k"}), CredentialSource.AUTHORIZATION),
    "authorization-spaces": (event(headers={"Authorization": "Bearer   t0k "}), CredentialSource.AUTHORIZATION),
    "query": (event(query="?token=t0k"), CredentialSource.QUERY),
    "query-without-mark": (event(query="token=t0k"), CredentialSource.QUERY),
    "query-among-others": (event(query="?a=b&c&token=t0k&d=e=f"), CredentialSource.QUERY),
    "query-encoded-name": (event(query="?%74oken=t0k"), CredentialSource.QUERY),
    "query-access-token": (event(query="?access_token=t0k"), CredentialSource.QUERY),
    "user-name": (event(user_name="ann?token=t0k"), CredentialSource.USER_NAME),
    "user-name-access-token": (event(user_name="ann?access_token=t0k"), CredentialSource.USER_NAME),
    "user-name-sdk-behind": (event(user_name=f"ann?token=t0k&{SDK}"), CredentialSource.USER_NAME),
    "user-name-sdk-before": (event(user_name=f"ann?{SDK}&token=t0k"), CredentialSource.USER_NAME),
    "user-name-empty": (event(user_name="?token=t0k"), CredentialSource.USER_NAME),
    "user-name-signed": (
        event(user_name="?x-amz-customauthorizer-name=A&x-amz-customauthorizer-signature=c2ln&token=t0k"),
        CredentialSource.USER_NAME,
    ),
}


@pytest.mark.parametrize(("event", "source"), TOKENS.values(), ids=TOKENS)
def test_a_token_is_found_at_its_source(event: Event, source: CredentialSource) -> None:
    found = read(event)
    assert (found.token, found.source) == ("t0k", source)


@pytest.mark.parametrize("user_name", ["ann", None])
@pytest.mark.parametrize(
    "header", ['{"alg":"RS256"}', '{ "alg": "RS256" }', '{\n\t"alg":"RS256"}', ' {"alg":"RS256"}', "{ }", "{}"]
)
def test_a_jwt_in_the_password_is_a_token(user_name: str | None, header: str) -> None:
    jwt = f"{urlsafe_b64encode(header.encode()).decode().rstrip('=')}.e30.c2ln"
    found = read(event(user_name=user_name, password=jwt.encode()))
    assert (found.token, found.password, found.source) == (jwt, None, CredentialSource.PASSWORD)


AROUND = {
    "scheme": ("Bearer {}", "`Bearer ` in front of it: remove it"),
    "scheme-lower-case": ("bearer {}", "`Bearer ` in front of it: remove it"),
    "quotes": ('"{}"', "quotes: remove them"),
    "apostrophes": ("'{}'", "quotes: remove them"),
    "line-break": ("{}\n", "a line end: remove it"),
    "windows-line-break": ("{}\r\n", "a line end: remove it"),
    **{f"{length}-spaces": (f"{' ' * length}{{}}", "a space: remove it") for length in range(1, 5)},
    "space-behind": ("{} ", "a space: remove it"),
    "key": ("token={}", "padding"),
    "not-ascii": ("{}\u00a0", "a character that is not ASCII: remove it"),
    "not-utf-8": ("{}\udcff", "a character that is not ASCII: remove it"),
}


@pytest.mark.parametrize(("form", "what"), AROUND.values(), ids=AROUND)
def test_a_password_with_a_jwt_in_it_is_refused_as_a_token_and_the_log_says_what_to_remove(
    form: str, what: str
) -> None:
    found = read(with_password("ann", form.format(JWT).encode("utf-8", "surrogateescape")))
    with pytest.raises(Refusal) as refused:
        read_token(found.token or "")
    assert (found.source, refused.value.detail) == (CredentialSource.PASSWORD, what)


NO_JWT = {
    "two-parts": b"eyJhbGciOiJSUzI1NiJ9.e30",
    "other-start": b"correct.horse.battery",
    "almost-an-object": b"eyeball.horse.battery",
    "quotes": b'"correct.horse.battery"',
    "not-ascii": "eyJ.ä.b".encode(),
    "any-bytes": bytes(range(256)),
}


@pytest.mark.parametrize("password", NO_JWT.values(), ids=NO_JWT)
def test_a_password_that_is_not_a_jwt_stays_a_password(password: bytes) -> None:
    assert read(with_password("ann", password)).password == password


USER_NAMES = {
    "plain": ("ann", "ann"),
    "empty-query": ("ann?", "ann"),
    "sdk": (f"ann?{SDK}", "ann"),
    "two-marks": ("ann?a=b?c=d", "ann"),
    "percent": ("ann%40x", "ann%40x"),
    "slash": ("a/b", "a/b"),
}


@pytest.mark.parametrize(("user_name", "name"), USER_NAMES.values(), ids=USER_NAMES)
def test_the_user_name_ends_at_the_query_string(user_name: str, name: str) -> None:
    found = read(with_password(user_name, b"secret"))
    assert (found.user_name, found.password, found.source) == (name, b"secret", CredentialSource.PASSWORD)


def test_a_user_name_and_a_client_id_beside_a_token_are_kept() -> None:
    found = read(event(user_name="ann?token=t0k", client_id="phone"))
    assert (found.user_name, found.client_id) == ("ann", "phone")


def test_the_whole_event_is_there_for_rules_of_ones_own() -> None:
    headers = read(event(token="t0k", headers={"Origin": "https://example.com"})).event.headers
    assert headers == {"Origin": "https://example.com"}


NOTHING = {
    "nothing": {},
    "client-id": anonymous("phone"),
    "sdk-parameters": event(user_name=f"?{SDK}"),
    "empty-user-name": event(user_name=""),
    "empty-password": event(password=b""),
    "other-query": event(query="?a=b"),
    "other-headers": event(headers={"Origin": "https://example.com"}),
}


@pytest.mark.parametrize("event", NOTHING.values(), ids=NOTHING)
def test_no_credentials_at_all_are_anonymous(event: Event) -> None:
    assert read(event).source is CredentialSource.ANONYMOUS


HALVES = {
    "user-name": (event(user_name="ann"), Reason.PASSWORD_MISSING),
    "user-name-with-query": (event(user_name=f"ann?{SDK}"), Reason.PASSWORD_MISSING),
    "password": (event(password=b"secret"), Reason.USER_NAME_MISSING),
    "password-with-query": (event(user_name=f"?{SDK}", password=b"secret"), Reason.USER_NAME_MISSING),
}


@pytest.mark.parametrize(("event", "reason"), HALVES.values(), ids=HALVES)
def test_half_of_a_user_name_and_password_is_refused(event: Event, reason: Reason) -> None:
    assert refusal(event) == reason


@pytest.mark.parametrize("value", ["Basic YTpi", "Digest x", "t0k", "Bearer", "AWS4-HMAC-SHA256 x", ""])
def test_another_scheme_in_the_authorization_header_is_refused(value: str) -> None:
    assert refusal(event(headers={"Authorization": value})) == Reason.UNSUPPORTED_SCHEME


@pytest.mark.parametrize("password", ["%%%", "YQ", "YQ===", "YQ==YQ==", "Y Q==", "ä", "YQ==\n"])
def test_a_password_that_is_not_base64_is_refused(password: str) -> None:
    assert refusal(with_password("ann", password)) == Reason.MALFORMED_PASSWORD


@pytest.mark.parametrize(
    "query",
    [
        *("?token=%ff", "?token=%c3", "?token=a%80b", "?token=%ed%a0%80"),
        pytest.param("&" * 100_000, id="longer than any client sends"),
    ],
)
def test_a_query_string_that_can_not_be_read_is_refused(query: str) -> None:
    assert refusal(event(query=query)) == Reason.MALFORMED_QUERY


@given(st.text(min_size=1).filter(lambda text: not text.lower().startswith("bearer ")))
def test_percent_encoding_is_undone(token: str) -> None:
    assert read(event(query=f"?token={quote(token, safe='')}")).token == token


@pytest.mark.parametrize("token", ["t%zz", "t%", "t%4", "a+b/c=="])
def test_a_plus_and_a_percent_sign_that_encodes_nothing_are_themselves(token: str) -> None:
    assert read(event(query=f"?token={token}")).token == token
    assert read(event(user_name=f"?token={token}")).token == token


def test_without_a_token_key_name_bearer_tokens_are_still_found() -> None:
    assert read(bearer("t0k"), None).token == "t0k"


@pytest.mark.parametrize("text", [repr, str])
def test_credentials_do_not_show_their_secrets(text: type[str]) -> None:
    found = (read(event(token="s3cret", user_name="ann")), read(with_password("ann", b"s3cret")))
    assert "s3cret" not in text(found)
