"""The event that IoT Core invokes an authorizer with (developer guide, "Defining your Lambda function")."""

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal


class _Part(BaseModel):
    """Any field may be missing, and fields that are new to us are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, strict=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


class Tls(_Part):
    """What the TLS handshake told."""

    server_name: str | None = None


class Http(_Part):
    """The HTTP request: an upgrade to WebSocket, or a publish."""

    headers: dict[str, str] | None = None
    query_string: str | None = None


class Mqtt(_Part):
    """The CONNECT packet."""

    username: str | None = None
    password: str | None = None
    """Base64 of the raw bytes."""
    client_id: str | None = None


class ProtocolData(_Part):
    """What each protocol of the connection brought."""

    tls: Tls | None = None
    http: Http | None = None
    mqtt: Mqtt | None = None


class ConnectionMetadata(_Part):
    """The connection itself."""

    id: str | None = None


class AuthorizerEvent(_Part):
    """A client asks to be let in, or IoT Core asks again for one that was."""

    token: str | None = None
    signature_verified: bool | None = None
    protocol_data: ProtocolData | None = None
    connection_metadata: ConnectionMetadata | None = None

    @classmethod
    def parse(cls, event: object) -> "AuthorizerEvent":
        """Reads an event. Raises Refusal where a field has a type that IoT Core would never send."""
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            known = [str(part) for part in first["loc"][:2] if part in _FIELDS]
            raise Refusal(Reason.MALFORMED_EVENT, ".".join(known) or "event") from None

    @property
    def http(self) -> Http:
        """The HTTP part, empty where there is none."""
        return (self.protocol_data and self.protocol_data.http) or Http()

    @property
    def mqtt(self) -> Mqtt:
        """The MQTT part, empty where there is none."""
        return (self.protocol_data and self.protocol_data.mqtt) or Mqtt()

    @property
    def connection_id(self) -> str | None:
        """IoT Core's ID of the connection, for logs."""
        return self.connection_metadata.id if self.connection_metadata else None


_FIELDS = {"token", "signatureVerified", "protocolData", "connectionMetadata", "tls", "http", "mqtt", "id"}
