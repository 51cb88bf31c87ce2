"""The event that IoT Core sends to an authorizer (developer guide, "Defining your Lambda function").

Every field may be missing or null, and unknown fields are ignored. These few fields are checked without pydantic, which
would take as long as all else when the Lambda starts.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

_Kind = TypeVar("_Kind", str, bool, dict[str, Any])

_TLS, _HTTP, _MQTT = "protocolData.tls", "protocolData.http", "protocolData.mqtt"
_MISSING: dict[str, Any] = {}


class AuthorizerEvent(NamedTuple):
    """An authorizer event: a client connects or publishes, or IoT Core refreshes a connection."""

    token: str | None = None
    signature_verified: bool | None = None
    server_name: str | None = None
    """Of the TLS handshake."""
    headers: Mapping[str, str] | None = None
    """Of the HTTP request: an upgrade to WebSocket, or a publish."""
    query_string: str | None = None
    """Of the HTTP request."""
    user_name: str | None = None
    """Of the CONNECT packet, with its query string."""
    password: str | None = None
    """Of the CONNECT packet: base64 of the raw bytes."""
    client_id: str | None = None
    """Of the CONNECT packet."""
    has_mqtt: bool = False
    """Whether a client connects with MQTT; False for an HTTPS request."""
    connection_id: str | None = None
    """IoT Core's ID of the connection."""

    @classmethod
    def parse(cls, event: object) -> "AuthorizerEvent":
        """Reads an event. Raises Refusal if a field has a type that IoT Core never sends."""
        if not isinstance(event, dict):
            raise Refusal(Reason.MALFORMED_EVENT, "event")
        protocols = read_field(event, "protocolData", dict, "protocolData") or _MISSING
        tls = read_field(protocols, "tls", dict, _TLS) or _MISSING
        http = read_field(protocols, "http", dict, _HTTP) or _MISSING
        mqtt = read_field(protocols, "mqtt", dict, _MQTT)
        connection = read_field(event, "connectionMetadata", dict, "connectionMetadata") or _MISSING
        connect = mqtt or _MISSING
        return cls(
            read_field(event, "token", str, "token"),
            read_field(event, "signatureVerified", bool, "signatureVerified"),
            read_field(tls, "serverName", str, _TLS),
            read_headers(http, _HTTP),
            read_field(http, "queryString", str, _HTTP),
            read_field(connect, "username", str, _MQTT),
            read_field(connect, "password", str, _MQTT),
            read_field(connect, "clientId", str, _MQTT),
            mqtt is not None,
            read_field(connection, "id", str, "connectionMetadata.id"),
        )

    def with_client_id(self, client_id: str) -> "AuthorizerEvent":
        """The event of the same client with this MQTT client ID."""
        return self._replace(client_id=client_id, has_mqtt=True)


def read_field(part: dict[str, Any], key: str, kind: type[_Kind], place: str) -> _Kind | None:
    """A field; None if it is missing or null. Raises Refusal, which names the place, for another type."""
    value = part.get(key)
    if value is None or isinstance(value, kind):
        return value
    raise Refusal(Reason.MALFORMED_EVENT, place)


def read_headers(part: dict[str, Any], place: str) -> dict[str, str] | None:
    """The field `headers`, as `read_field` does."""
    headers = read_field(part, "headers", dict, place)
    for name, value in headers.items() if headers else ():
        if not (isinstance(name, str) and isinstance(value, str)):
            raise Refusal(Reason.MALFORMED_EVENT, place)
    return headers
