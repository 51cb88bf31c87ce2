"""Finds the credentials of a client in the event, in any of the credential sources."""

import binascii
from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote

from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import token_in

BEARER = "bearer "
LONGEST_QUERY = 65_535
"""Characters: an MQTT user name has at most as many bytes."""
_ACCESS_TOKEN = "access_token"
_SIGNATURE = "x-amz-customauthorizer-signature"


class CredentialSource(StrEnum):
    """Where in the request credentials were found. The authorizer looks for a token in this order."""

    TOKEN = "token"
    """The event's `token`, which IoT Core found under the authorizer's token key name."""
    HEADER = "header"
    """An HTTP header with the token key name."""
    AUTHORIZATION = "authorization"
    """The HTTP header `Authorization: Bearer …` (RFC 6750, section 2.1)."""
    QUERY = "query"
    """The HTTP query string: the token key name, or `access_token` (RFC 6750, section 2.3)."""
    USER_NAME = "user_name"
    """The query string of the MQTT user name, with the same keys."""
    PASSWORD = "password"
    """The MQTT password: a JWT, or the password of the user name."""
    ANONYMOUS = "anonymous"
    """No credentials."""


@dataclass(slots=True)
class Credentials:
    """The credentials of a client: a token, a user name and a password, or none."""

    source: CredentialSource
    token: str | None = field(default=None, repr=False)
    """A bearer token without `Bearer `."""
    signature_verified: bool = False
    """Whether IoT Core has verified the token's signature with the authorizer's public keys."""
    user_name: str | None = None
    """The MQTT user name without its query string; None without a user name."""
    password: bytes | None = field(default=None, repr=False)
    client_id: str | None = None
    """The MQTT client ID; None for HTTP, and if IoT Core chooses the client ID."""
    event: AuthorizerEvent = field(default_factory=AuthorizerEvent, repr=False)
    """The whole event, for verifiers that need other headers or the server name."""
    hint: str = ""
    """For an anonymous client: what looks like a credential in a header that browsers send by themselves."""


_TOKEN, _QUERY, _USER_NAME = CredentialSource.TOKEN, CredentialSource.QUERY, CredentialSource.USER_NAME
"""Looked up once: until Python 3.11, that takes as long as a function call."""


_Found = tuple[CredentialSource, str, str]
"""A token with its source in front, and the text from which it was decoded behind."""


def read_credentials(event: AuthorizerEvent, token_key_name: str | None = None) -> Credentials:
    """Finds the credentials of an event.

    The same token in several sources is one token. Different tokens conflict, and so do a token and a password that is
    not a token. What only looks like a credential is refused where the client would be anonymous. Raises Refusal.
    """
    client_id = event.client_id
    name, _, user_name_query = (event.user_name or "").partition("?")
    user_name = name or None
    password = _password(event.password)
    found = _tokens(event, user_name_query, token_key_name)
    if password and (text := token_in(password)):
        found.append((CredentialSource.PASSWORD, text, text))
        password = None
    if found:
        if password:
            raise Refusal(Reason.CONFLICTING_CREDENTIALS, "a token and a password")
        source = found[0][0]
        return Credentials(
            source,
            _only(found),
            source is _TOKEN and event.signature_verified is True,
            user_name,
            None,
            client_id,
            event,
        )
    if not password:
        hint = _misplaced(event, token_key_name or _ACCESS_TOKEN)
        if user_name is None:
            return Credentials(CredentialSource.ANONYMOUS, client_id=client_id, event=event, hint=hint)
    if user_name is None:
        raise Refusal(Reason.USER_NAME_MISSING)
    if password is None:
        raise Refusal(Reason.PASSWORD_MISSING)
    return Credentials(CredentialSource.PASSWORD, None, False, user_name, password, client_id, event)


def query_values(query: str, keys: Collection[str]) -> list[str]:
    """The raw values of some keys in a query string, with or without its `?`.

    Names are decoded, values are not. A `+` stays a plus: AWS's device SDKs append tokens unencoded. Raises Refusal.
    """
    if len(query) > LONGEST_QUERY:
        raise Refusal(Reason.MALFORMED_QUERY, "too long")
    found = []
    for pair in query.removeprefix("?").split("&"):
        name, equals, value = pair.partition("=")
        if equals and (name in keys or ("%" in name and unquote(name) in keys)):
            found.append(value)
    return found


def _tokens(event: AuthorizerEvent, user_name_query: str, token_key_name: str | None) -> list[_Found]:
    found: list[_Found] = []
    if event.token:
        token = _without_scheme(event.token)
        found.append((_TOKEN, token, token))
    if event.headers:
        found += _header_tokens(event.headers, token_key_name)
    keys = token_key_name or _ACCESS_TOKEN, _ACCESS_TOKEN
    for source, query in ((_QUERY, event.query_string), (_USER_NAME, user_name_query)):
        for value in query_values(query, keys) if query else ():
            if value:
                found.append((source, _without_scheme(_unquoted(value) if "%" in value else value), value))
    return found


def _header_tokens(headers: Mapping[str, str], token_key_name: str | None) -> list[_Found]:
    found: list[_Found] = []  # A generator would cost each event 0.5 microseconds.
    key = token_key_name.lower() if token_key_name else None
    for name, value in headers.items():
        lower = name.lower()
        if lower == key:
            if value.strip():
                token = _without_scheme(value)
                found.append((CredentialSource.HEADER, token, token))
        elif lower == "authorization":
            token = _without_scheme(value)
            if token is value:
                raise Refusal(Reason.UNSUPPORTED_SCHEME)
            found.append((CredentialSource.AUTHORIZATION, token, token))
    return found


def _misplaced(event: AuthorizerEvent, key: str) -> str:
    """The hint for a client that sent no credentials. Raises Refusal if it sent something that looks like some."""
    from iot_authorizer.misplaced import find_misplaced, hint_of  # noqa: PLC0415 (only such clients need it)

    if event.token is not None:
        raise Refusal(Reason.MISPLACED_CREDENTIALS, "the event's token is empty")
    headers = event.headers or {}
    if not {name.strip().lower() for name in headers}.isdisjoint({key.lower(), _ACCESS_TOKEN, _SIGNATURE}):
        raise Refusal(Reason.MISPLACED_CREDENTIALS, f"a header without a token; expected {key}: TOKEN")
    query = f"?{(event.query_string or '').removeprefix('?')}"
    for place, text in (("query string", query), ("user name", event.user_name)):
        if text and (found := find_misplaced(place, text, key)):
            raise Refusal(Reason.MISPLACED_CREDENTIALS, found)
    return hint_of(headers, key)


def _only(found: list[_Found]) -> str:
    """The token that all sources agree on, decoded or raw. Raises Refusal."""
    first = found[0][1]
    for _, token, raw in found:
        if first not in (token, raw):
            raise Refusal(Reason.CONFLICTING_CREDENTIALS, "two different tokens")
    return first


def _without_scheme(token: str) -> str:
    return token[len(BEARER) :].strip() if token[: len(BEARER)].lower() == BEARER else token


def _unquoted(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise Refusal(Reason.MALFORMED_QUERY) from None


def _password(encoded: str | None) -> bytes | None:
    if encoded is None:
        return None
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(Reason.MALFORMED_PASSWORD) from None
