"""The event that IoT Core builds for an authorizer's Lambda (developer guide, "Defining your Lambda function").

1. A connection has up to three contexts: the TLS handshake, the HTTP request, and the CONNECT packet.
2. A named value, such as the token, is looked up in the HTTP headers (in any case), then in the query string, then in
   the query string of the user name. The first one found counts.
3. The event has only the contexts that exist, and the token under the authorizer's token key name.

unmeasured (checks websocket-header-first, websocket-query-first, websocket-user-name-first, http-header-first,
http-query-first, name-twice, name-twice-last, signature-twice, signature-twice-last): which of several values counts
(assumed: rule 2, and the first of two in one query string).
unmeasured (checks name-key-encoded, name-key-case, websocket-key-case, signature-key-case, signed-token-key-case):
whether the names in a query string are percent-decoded, or compared without case (assumed: neither).
unmeasured (checks name-encoded, websocket-name-encoded, http-name-encoded, signed-token-encoded, signature-raw,
signature-plus, signed-query-plus): that the values in a query string are percent-decoded is documented for signatures;
that all are, and that a plus is a plus, is assumed.
unmeasured (reported, https://github.com/aws/aws-iot-device-sdk-java-v2/issues/154, 1 March 2022; check
name-question-mark): that a second question mark in a user name is part of the value before it.
unmeasured (checks user-name-plus, user-name-encoded): whether the user name before its query string is decoded
(assumed: no, the function gets it as it came).
"""

import base64
import uuid
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_ALIKE = 0.75
"""From 0 to 1: `tokn` and `token` are 0.89 alike."""
_COMPARED = 64
"""Names of a query string, and characters of a name, that are compared: anyone can send a long query string."""


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("expected base64") from None
    return text


class _Context(BaseModel):
    """A member of TestInvokeAuthorizer's request (API_TestInvokeAuthorizer), with its limits."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, hide_input_in_errors=True)


class HttpContext(_Context):
    """An HTTP request."""

    headers: dict[Annotated[str, Field(max_length=8192)], Annotated[str, Field(max_length=8192)]] | None = None
    query_string: Annotated[str, Field(max_length=4096)] | None = None


class MqttContext(_Context):
    """A CONNECT packet; the password is base64."""

    username: Annotated[str, Field(max_length=65535)] | None = None
    password: Annotated[str, Field(max_length=87380), AfterValidator(_base64)] | None = None
    client_id: Annotated[str, Field(max_length=65535)] | None = None


class TlsContext(_Context):
    """A TLS handshake."""

    server_name: Annotated[str, Field(max_length=253)] | None = None


class ConnectionRequest(_Context):
    """A client that connects or sends an HTTPS request, as IoT Core sees it."""

    token: Annotated[str, Field(max_length=6144)] | None = None
    token_signature: Annotated[str, Field(max_length=2560, pattern=r"^[A-Za-z0-9+/]+={0,2}$")] | None = None
    http_context: HttpContext | None = None
    mqtt_context: MqttContext | None = None
    tls_context: TlsContext | None = None

    def find_token(self, token_key_name: str) -> str | None:
        """The token under the authorizer's token key name."""
        return self.find(token_key_name) if self.token is None else self.token

    def similar(self, key: str) -> str:
        """A hint for a message if the request has no such key but one that may be a typo of it; else empty."""
        if f"{key}=" in ((self.mqtt_context and self.mqtt_context.username) or "").partition("?")[0]:
            return f": the user name has it without a ?, expected NAME?{key}=…"
        hint = similar_name(key, self._queries, (self.http_context and self.http_context.headers) or ())
        return f": {hint}" if hint else ""

    @property
    def domain_name(self) -> str | None:
        """The host that the client connected to, for `iot:DomainName`; None if nothing names it.

        unmeasured (check variable-domain-name): that iot:DomainName is TLS's server name, and otherwise the host of
        the Host header (assumed).
        """
        if self.tls_context is not None and self.tls_context.server_name:
            return self.tls_context.server_name
        host = self._header("host")
        try:
            return urlsplit(f"//{host}").hostname if host else None
        except ValueError:
            return None

    def find(self, key: str) -> str | None:
        """The value of a key: in a header, in the query string, or in the query string of the user name."""
        if (value := self._header(key)) is not None:
            return value
        for query in self._queries:
            for pair in query.split("&"):
                name, equals, value = pair.partition("=")
                if equals and name == key:
                    return unquote(value)
        return None

    @property
    def _queries(self) -> tuple[str, str]:
        """The query strings of the HTTP request and of the user name, empty if there is none."""
        http, mqtt = self.http_context, self.mqtt_context
        return ((http and http.query_string) or "").removeprefix("?"), query_of(mqtt.username if mqtt else None)

    def _header(self, name: str) -> str | None:
        """The value of an HTTP header, in any case; None if the request has none."""
        headers = self.http_context and self.http_context.headers
        if not headers:
            return None
        wanted = name.lower()
        return next((value for each, value in headers.items() if each.lower() == wanted), None)


def query_of(user_name: str | None) -> str:
    """The query string of an MQTT user name."""
    return (user_name or "").partition("?")[2]


def similar_name(key: str, queries: Iterable[str | None], headers: Iterable[str] = ()) -> str:
    """`found NAME, did you mean KEY?` for the name that is most like a key; empty if none is."""
    found = {name.lower(): name for name in headers}
    for query in queries:
        pairs = (query or "").removeprefix("?").split("&", _COMPARED)[:_COMPARED]
        names = [unquote(pair.partition("=")[0])[:_COMPARED] for pair in pairs]
        found |= {name.lower(): name for name in names}
    alike = get_close_matches(key.lower(), found, 1, _ALIKE)
    return f"found {found[alike[0]]}, did you mean {key}?" if alike else ""


def build_event(
    request: ConnectionRequest,
    *,
    token_key_name: str | None,
    signature_verified: bool = False,
    connection_id: str | None = None,
) -> dict[str, object]:
    """Builds the event for a request, without the fields that do not apply to it.

    `signature_verified` says whether the token's signature was verified. `connection_id` is a new UUID by default.
    """
    parts = {"tls": request.tls_context, "http": request.http_context, "mqtt": request.mqtt_context}
    present = {name: part for name, part in parts.items() if part is not None}
    event: dict[str, object] = {
        "protocols": list(present),
        "protocolData": {name: part.model_dump(by_alias=True, exclude_none=True) for name, part in present.items()},
        "connectionMetadata": {"id": connection_id or str(uuid.uuid4())},
    }
    token = request.find_token(token_key_name) if token_key_name is not None else request.token
    if token is not None:
        event |= {"token": token, "signatureVerified": signature_verified}
    return event


def join_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Joins repeated headers with a comma (RFC 9110, section 5.2), and keeps the case of the first one."""
    joined: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        first, before = joined.get(name.lower(), (name, ""))
        joined[name.lower()] = (first, f"{before}, {value}" if before else value)
    return dict(joined.values())
