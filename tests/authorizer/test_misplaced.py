"""What looks like a credential in a wrong place or form does not make a client anonymous."""

import re
from html import escape
from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot_authorizer import CredentialSource, Reason, Refusal
from iot_authorizer.misplaced import find_misplaced
from tests.authorizer.events import SDK, Event, event
from tests.authorizer.reading import read

JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
SPACED = "eyAiYWxnIjogIlJTMjU2IiB9.e30.c2ln"
SIGV4 = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261129&X-Amz-Signature=00ff"

IN_A_QUERY = {
    "html-escaped": ("a=1&amp;token=x", "a key like `token` behind `;`"),
    "semicolon": ("a=b;token=x", "a key like `token` behind `;`"),
    "fragment": ("a=b#token=x", "a key like `token` behind `#`"),
    "fragment-only": ("#token=x", "a key like `token` behind `#`"),
    "second-question-mark": ("a=b?token=x", "a key like `token`"),
    "colon": ("token:x", "a key like `token`"),
    "json": ('{"token":"x"}', "a key like `token`"),
    "no-value": ("token", "a key like `token` without a value"),
    "empty-value": ("a=b&token=", "a key like `token` without a value"),
    "upper-case": ("TOKEN=x", "a key like `token`"),
    "full-width": ("\uff54\uff4f\uff4b\uff45\uff4e=x", "a key like `token`"),
    "invisible-character": ("to\u200bken=x", "a key like `token`"),
    "letter-lost": ("tokn=x", "a key like `token`"),
    "letter-added": ("tokken=x", "a key like `token`"),
    "letter-changed": ("tokem=x", "a key like `token`"),
    "letter-lost-behind-a-comma": ("a=b,tokn=x", "a key like `token`"),
    "letters-exchanged": ("toekn=x", "a key like `token`"),
    "id-token": ("id_token=x", "a key like `token`"),
    "security-token": ("X-Amz-Security-Token=x", "a key like `token`"),
    "token-without-equals": ("token", "a key like `token` without a value"),
    "jwt-key": ("jwt=x", "a key like `jwt`"),
    "password": ("user=ann&password=x", "a key like `password`"),
    "authorization": ("Authorization=Basic%20YTpi", "a key like `authorization`"),
    "signature-of-a-token": ("x-amz-customauthorizer-signature=AAAA", "a key like `signature`"),
    "sigv4": (SIGV4, "a key like `X-Amz-Algorithm`"),
    "encoded": ("%2574oken%253Dx", "a key like `token`"),
    "encoded-separator": ("a=b%26token%3Dx", "a key like `token`"),
    "in-another-url": ("next=https%3A%2F%2Fexample.com%3Ftoken%3Dx", "a key like `token`"),
    "encoded-without-end": (f"a=%{'25' * 20}20", "encoded too often"),
    "too-long": ("a" * 9000, "more than 8192 characters"),
    "jwt": (f"room={JWT}", "a JWT under another key"),
    "jwt-with-spaces-in-its-header": (f"room={SPACED}", "a JWT under another key"),
    "jwt-without-its-signature": (f"room={JWT.rpartition('.')[0]}", "a JWT under another key"),
    "jwt-without-a-key": (JWT, "a JWT under another key"),
    "jwt-in-quotes": (f"room=%22{JWT}%22", "a JWT under another key"),
    "bearer": ("a=Bearer%20x", "a value like that of an Authorization header"),
    "bearer-with-a-plus": ("a=Bearer+x", "a value like that of an Authorization header"),
    "basic": ("a=basic%20YTpi", "a value like that of an Authorization header"),
    "basic-with-padding": ("a=Basic%20YWJjOg==", "a value like that of an Authorization header"),
    "basic-with-a-plus": ("a=Basic+YTpi", "a value like that of an Authorization header"),
    "digest": ('a=Digest%20username="b"', "a value like that of an Authorization header"),
    "negotiate": ("a=Negotiate%20YIIJvwYGKwYBBQUCoIIJszCC", "a value like that of an Authorization header"),
}


@pytest.mark.parametrize(("query", "found"), IN_A_QUERY.values(), ids=IN_A_QUERY)
@pytest.mark.parametrize("place", ["query string", "user name"])
def test_what_looks_like_a_credential_is_refused_with_its_place_and_where_it_belongs(
    place: str, query: str, found: str
) -> None:
    sent = event(query=f"?{query}") if place == "query string" else event(user_name=f"?{query}")
    with pytest.raises(Refusal) as refused:
        read(sent)
    assert (refused.value.reason, refused.value.detail) == (
        Reason.MISPLACED_CREDENTIALS,
        f"{place}: {found}; expected `token=TOKEN` behind `?` or `&`",
    )


ELSEWHERE = {
    "event-token": (event(token=""), "the event's token is empty"),
    "header": (event(headers={"Token": " "}), "a header without a token; expected token: TOKEN"),
    "header-with-a-space": (event(headers={"token ": "x"}), "a header without a token; expected token: TOKEN"),
    "signature-header": (
        event(headers={"X-Amz-CustomAuthorizer-Signature": "AAAA"}),
        "a header without a token; expected token: TOKEN",
    ),
    "user-name-without-mark": (
        event(user_name="token=x"),
        "user name: a key like `token`; expected `token=TOKEN` behind `?` or `&`",
    ),
    "jwt-as-user-name": (
        event(user_name=JWT),
        "user name: a JWT under another key; expected `token=TOKEN` behind `?` or `&`",
    ),
}


@pytest.mark.parametrize(("event", "detail"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_credential_in_another_wrong_place_is_refused(event: Event, detail: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(event)
    assert (refused.value.reason, refused.value.detail) == (Reason.MISPLACED_CREDENTIALS, detail)


@pytest.mark.parametrize("query", ["?token=t0k", "?tokn=t0k", f"?sid={JWT}"])
def test_without_a_token_key_name_a_token_under_any_key_is_misplaced(query: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(event(query=query), None)
    assert refused.value.reason == Reason.MISPLACED_CREDENTIALS
    assert "expected `access_token=TOKEN`" in refused.value.detail


INNOCENT = {
    "sdk": event(user_name=f"?{SDK}"),
    "old-sdk": event(user_name="?SDK=JavaScript&Version=2.2.16"),
    "authorizer": event(query="?x-amz-customauthorizer-name=chat"),
    "authorizer-in-user-name": event(user_name=f"?x-amz-customauthorizer-name=chat&{SDK}"),
    "publish": event(query="?qos=1&retain=true&contentType=text%2Fplain&responseTopic=a%2Fb&messageExpiry=60"),
    "list": event(query="?maxResults=10&nextToken=YWJj"),
    "application": event(query="?room=lobby&lang=de-CH&v=1.2.3&utm_source=mail&id=42&key=c&time=12:30"),
    "tracking": event(
        query="?utm_source=mail&utm_campaign=Basic%20Plan&utm_term=digest+of+news&utm_content=negotiate%20a%20price"
        "&gclid=EAIaIQobChMI8JWJ_a3f6wIVk-F3Ch1xyz&fbclid=IwAR0abc-DEF_1&_gl=1*1abcd*_ga*MTIzNDU2Nzg5MC4xNjAw"
    ),
    "base64": event(query="?a=SGVsbG8.V29ybGQ&b=e30&c=a+b/c=="),
    "words": event(query="?author=ann&monkey=1&passenger=2&signal=3&session=4&stoke=n"),
}


@pytest.mark.parametrize("event", INNOCENT.values(), ids=INNOCENT)
@pytest.mark.parametrize("key", ["token", "t", None])
def test_an_innocent_client_stays_anonymous(event: Event, key: str | None) -> None:
    found = read(event, key)
    assert (found.source, found.hint) == (CredentialSource.ANONYMOUS, "")


INNOCENT_NAMES = st.from_regex(r"[a-z]{1,3}[A-Z][0-9a-z]{0,2}", fullmatch=True)
INNOCENT_VALUES = st.from_regex(r"[A-Za-z0-9/+_ ,@!-]{0,12}", fullmatch=True)
INNOCENT_QUERIES = st.lists(st.tuples(INNOCENT_NAMES, INNOCENT_VALUES), max_size=5).map(
    lambda pairs: "&".join(f"{name}={quote(value)}" for name, value in pairs)
)


def as_it_is(text: str) -> str:
    return text


@given(
    before=INNOCENT_QUERIES,
    separator=st.sampled_from(["?", "&", ";", "#", "&amp;", "&#38;", "&&"]),
    key=st.sampled_from(
        ["token", "Token", "TOKEN", "access_token", "accessToken", "id_token", "tok_en", " token", "jwt"]
    ),
    value=st.text("abc123", min_size=1),
    encodings=st.lists(st.sampled_from([as_it_is, quote, lambda text: quote(text, safe=""), escape]), max_size=4),
)
def test_a_token_is_found_behind_anything_and_in_any_encoding(
    before: str, separator: str, key: str, value: str, encodings: list[object]
) -> None:
    text = f"{before}{separator}{key}={value}"
    for encode in encodings:
        text = encode(text)  # type: ignore[operator]
    assert find_misplaced("query string", text, "token") is not None


@given(query=INNOCENT_QUERIES.filter(lambda query: not re.search("jwt|jws|pwd|sig", query, re.IGNORECASE)))
def test_a_query_of_other_names_is_not_a_credential(query: str) -> None:
    assert find_misplaced("query string", f"?{query}", "token") is None


@given(text=st.text())
def test_what_is_said_quotes_nothing_of_the_text(text: str) -> None:
    found = find_misplaced("query string", f"?token={text}", "token")
    assert found in {
        f"query string: a key like `token`{lost}; expected `token=TOKEN` behind `?` or `&`"
        for lost in ("", " without a value")
    }


LONG = {
    "word": "a" * 8000,
    "encoded": "%25" * 2700,
    "separators": "&" * 8000,
    "names": "=" * 8000,
    "spaces": " " * 8000,
    "parts": "a." * 4000,
    "headers": "eyJh." * 1600,
    "scheme": "bearer" * 1300,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_no_text_takes_long_to_search(text: str) -> None:
    started = process_time()
    find_misplaced("query string", f"?{text}", "token")
    assert process_time() - started < 0.25


HINTS = {
    "cookie": ({"Cookie": "theme=dark; token=x"}, "Cookie header: a key like `token` behind `;`"),
    "session-cookie-with-a-jwt": ({"cookie": f"session={JWT}"}, "Cookie header: a JWT under another key"),
    "referer": ({"Referer": "https://example.com/?token=x"}, "Referer header: a key like `token`"),
    "subprotocol": ({"Sec-WebSocket-Protocol": f"mqtt, {JWT}"}, "Sec-WebSocket-Protocol header: a JWT under"),
    "own-header": ({"X-Auth-Token": "x"}, "another header: a key like `token`"),
}


@pytest.mark.parametrize(("headers", "hint"), HINTS.values(), ids=HINTS)
def test_a_header_that_browsers_send_by_themselves_only_gives_a_hint(headers: dict[str, str], hint: str) -> None:
    found = read(event(headers=headers))
    assert found.source is CredentialSource.ANONYMOUS
    assert found.hint.startswith(hint)


BROWSER = {
    "Host": "example.com",
    "Origin": "https://example.com",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "mqtt",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "Accept-Language": "de-CH,de;q=0.9",
    "Cookie": "theme=dark; consent=yes",
    "x-amz-customauthorizer-name": "chat",
    "x-amz-mqtt5-user-properties": "W3siYSI6ImIifV0=",
}


@pytest.mark.parametrize(
    "random_key", ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAjwsAAAAAAAAAAA==", "token+AAAAAAAAAAAAAAAA=="]
)
def test_the_headers_of_a_browser_give_no_hint(random_key: str) -> None:
    assert read(event(headers=BROWSER | {"Sec-WebSocket-Key": random_key})).hint == ""
