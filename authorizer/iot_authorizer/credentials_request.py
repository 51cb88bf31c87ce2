"""A request to the credentials endpoint, in the event that API Gateway makes of it (HTTP API, payload format 2.0).

1. The request becomes an event of the authorizer, so that the authorizer's own code finds and verifies its credentials:
   headers and query string as they are, `username` and `password` of the body as an MQTT client sends them.
2. The body is empty, or a JSON object with the members `clientId`, `username` and `password`. Any other member is
   refused, because it could be a credential that is not read.
3. The client ID can also be in the query string, as `clientId`. If it is there twice, both must be equal.
4. IoT Core has verified no signature here, so a token of `[signed_tokens]` is refused.

unmeasured (documented in part): the API reference says that header names are in lower case and that values of equal
names are joined by commas; that the query string is as the client encoded it is assumed.
"""

import binascii
import json
from base64 import b64decode, b64encode
from typing import NamedTuple
from urllib.parse import unquote

from iot_authorizer.credentials import query_values
from iot_authorizer.event import AuthorizerEvent, read_field, read_headers
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_policies.json_objects import unique_keys

LONGEST_BODY = 16_384
"""Characters: more than the longest user name, password and client ID need."""
_EVENT = "expected an HTTP API's event, payload format 2.0"
_CLIENT_ID = "clientId"
_MEMBERS = {_CLIENT_ID, "username", "password"}


class CredentialsRequest(NamedTuple):
    """A request for temporary credentials."""

    headers: dict[str, str]
    query: str
    method: str
    """The HTTP method, in capitals; empty if the event has none."""
    body: str
    is_base64: bool
    """Whether the body is base64 of what the client sent."""

    @classmethod
    def parse(cls, event: object) -> "CredentialsRequest":
        """Reads an event. Raises Refusal if a field has a type that API Gateway never sends."""
        if not isinstance(event, dict):
            raise Refusal(Reason.MALFORMED_EVENT, _EVENT)
        context = read_field(event, "requestContext", dict, _EVENT) or {}
        http = read_field(context, "http", dict, _EVENT) or {}
        return cls(
            headers=read_headers(event, _EVENT) or {},
            query=read_field(event, "rawQueryString", str, _EVENT) or "",
            method=(read_field(http, "method", str, _EVENT) or "").upper(),
            body=read_field(event, "body", str, _EVENT) or "",
            is_base64=read_field(event, "isBase64Encoded", bool, _EVENT) or False,
        )

    @property
    def origin(self) -> str | None:
        """The origin of the page that sent the request; None for a program."""
        return next((value for name, value in self.headers.items() if name.lower() == "origin"), None)

    def as_event(self) -> AuthorizerEvent:
        """The event of a client that connects with the same credentials. Raises Refusal."""
        members = self._members()
        mqtt = {
            "username": members.get("username"),
            "password": _encoded(members.get("password")),
            "clientId": self._client_id(members.get(_CLIENT_ID)),
        }
        http = {"headers": self.headers, "queryString": self.query}
        return AuthorizerEvent.parse({"protocolData": {"http": http, "mqtt": mqtt}})

    def _members(self) -> dict[str, str | None]:
        """The members of the body."""
        try:
            found = json.loads(self._text() or "{}", object_pairs_hook=unique_keys)
        except (ValueError, RecursionError):
            raise Refusal(Reason.MALFORMED_REQUEST, "the body is not JSON, or has a duplicate key") from None
        if not isinstance(found, dict) or not found.keys() <= _MEMBERS:
            raise Refusal(Reason.MALFORMED_REQUEST, "the body has another member, or is not an object")
        for name, value in found.items():
            if not (value is None or isinstance(value, str)):
                raise Refusal(Reason.MALFORMED_REQUEST, f"{name} is not a string")
        return found

    def _text(self) -> str:
        if len(self.body) > LONGEST_BODY:
            raise Refusal(Reason.MALFORMED_REQUEST, f"the body has more than {LONGEST_BODY} characters")
        try:
            return b64decode(self.body, validate=True).decode() if self.is_base64 else self.body
        except (binascii.Error, ValueError):
            raise Refusal(Reason.MALFORMED_REQUEST, "the body is not UTF-8") from None

    def _client_id(self, in_body: str | None) -> str | None:
        """The client ID that the request names; None if it names none."""
        try:
            named = [unquote(each, errors="strict") for each in query_values(self.query, (_CLIENT_ID,))]
        except UnicodeDecodeError:
            raise Refusal(Reason.MALFORMED_QUERY) from None
        found = {each for each in (in_body, *named) if each}
        if len(found) > 1:
            raise Refusal(Reason.MALFORMED_REQUEST, "two different client IDs")
        return found.pop() if found else None


def _encoded(password: str | None) -> str | None:
    """A password as an event has it. Raises Refusal."""
    try:
        return None if password is None else b64encode(password.encode()).decode()
    except UnicodeEncodeError:
        raise Refusal(Reason.MALFORMED_REQUEST, "password has half of a surrogate pair") from None
