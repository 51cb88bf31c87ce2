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
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from iot_authorizer.credentials import query_values
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_policies.json_objects import unique_keys

LONGEST_BODY = 16_384
"""Characters: more than the longest user name, password and client ID need."""
_CLIENT_ID = "clientId"


class _EventPart(BaseModel):
    """Every field may be missing, and unknown fields are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, extra="ignore", hide_input_in_errors=True)


class _HttpMethod(_EventPart):
    method: str | None = None


class _RequestContext(_EventPart):
    http: _HttpMethod = Field(default_factory=_HttpMethod)


class _Body(_EventPart):
    """The members of the body. Unlike in events of AWS, every other member is refused."""

    model_config = ConfigDict(extra="forbid")

    client_id: str | None = None
    username: str | None = None
    password: str | None = None


class CredentialsRequest(_EventPart):
    """A request for temporary credentials."""

    headers: dict[str, str] = Field(default_factory=dict)
    raw_query_string: str = ""
    request_context: _RequestContext = Field(default_factory=_RequestContext)
    body: str | None = None
    is_base64_encoded: bool = False

    @classmethod
    def parse(cls, event: object) -> "CredentialsRequest":
        """Reads an event. Raises Refusal if a field has a type that API Gateway never sends."""
        try:
            return cls.model_validate(event)
        except ValidationError:
            raise Refusal(Reason.MALFORMED_EVENT, "expected an HTTP API's event, payload format 2.0") from None

    @property
    def method(self) -> str:
        """The HTTP method, in capitals; empty if the event has none."""
        return (self.request_context.http.method or "").upper()

    @property
    def origin(self) -> str | None:
        """The origin of the page that sent the request; None for a program."""
        return next((value for name, value in self.headers.items() if name.lower() == "origin"), None)

    def as_event(self) -> AuthorizerEvent:
        """The event of a client that connects with the same credentials. Raises Refusal."""
        body = self._body()
        mqtt = {
            "username": body.username,
            "password": _encoded(body.password),
            "clientId": self._client_id(body),
        }
        http = {"headers": self.headers, "queryString": self.raw_query_string}
        return AuthorizerEvent.parse({"protocolData": {"http": http, "mqtt": mqtt}})

    def _body(self) -> _Body:
        try:
            found = json.loads(self._text() or "{}", object_pairs_hook=unique_keys)
        except (ValueError, RecursionError):
            raise Refusal(Reason.MALFORMED_REQUEST, "the body is not JSON, or has a duplicate key") from None
        try:
            return _Body.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            known = first["type"] != "extra_forbidden" and first["loc"]
            what = f"{first['loc'][0]} is not a string" if known else "the body has another member, or is not an object"
            raise Refusal(Reason.MALFORMED_REQUEST, what) from None

    def _text(self) -> str:
        body = self.body or ""
        if len(body) > LONGEST_BODY:
            raise Refusal(Reason.MALFORMED_REQUEST, f"the body has more than {LONGEST_BODY} characters")
        try:
            return b64decode(body, validate=True).decode() if self.is_base64_encoded else body
        except (binascii.Error, ValueError):
            raise Refusal(Reason.MALFORMED_REQUEST, "the body is not UTF-8") from None

    def _client_id(self, body: _Body) -> str | None:
        """The client ID that the request names; None if it names none."""
        try:
            named = [unquote(each, errors="strict") for each in query_values(self.raw_query_string, (_CLIENT_ID,))]
        except UnicodeDecodeError:
            raise Refusal(Reason.MALFORMED_QUERY) from None
        found = {each for each in (body.client_id, *named) if each}
        if len(found) > 1:
            raise Refusal(Reason.MALFORMED_REQUEST, "two different client IDs")
        return found.pop() if found else None


def _encoded(password: str | None) -> str | None:
    """A password as an event has it. Raises Refusal."""
    try:
        return None if password is None else b64encode(password.encode()).decode()
    except UnicodeEncodeError:
        raise Refusal(Reason.MALFORMED_REQUEST, "password has half of a surrogate pair") from None
