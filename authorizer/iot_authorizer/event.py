"""The event that IoT Core sends to an authorizer (developer guide, "Defining your Lambda function")."""

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal


class EventPart(BaseModel):
    """Every field may be missing, and unknown fields are ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel, strict=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )


class Tls(EventPart):
    """Data of the TLS handshake."""

    server_name: str | None = None


class Http(EventPart):
    """Data of the HTTP request: an upgrade to WebSocket, or a publish."""

    headers: dict[str, str] | None = None
    query_string: str | None = None


class Mqtt(EventPart):
    """Data of the CONNECT packet."""

    username: str | None = None
    password: str | None = None
    """Base64 of the raw bytes."""
    client_id: str | None = None


class ProtocolData(EventPart):
    """The data of each protocol of the connection."""

    tls: Tls | None = None
    http: Http | None = None
    mqtt: Mqtt | None = None


class ConnectionMetadata(EventPart):
    """Data of the connection itself."""

    id: str | None = None


class AuthorizerEvent(EventPart):
    """An authorizer event: a client connects or publishes, or IoT Core refreshes a connection."""

    token: str | None = None
    signature_verified: bool | None = None
    protocol_data: ProtocolData | None = None
    connection_metadata: ConnectionMetadata | None = None

    @classmethod
    def parse(cls, event: object) -> "AuthorizerEvent":
        """Reads an event. Raises Refusal if a field has a type that IoT Core never sends."""
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            known = [str(part) for part in first["loc"][:2] if part in _FIELDS]
            raise Refusal(Reason.MALFORMED_EVENT, ".".join(known) or "event") from None

    @property
    def http(self) -> Http:
        """The HTTP data; empty without any."""
        return (self.protocol_data and self.protocol_data.http) or Http()

    @property
    def mqtt(self) -> Mqtt:
        """The MQTT data; empty without any."""
        return (self.protocol_data and self.protocol_data.mqtt) or Mqtt()

    @property
    def has_mqtt(self) -> bool:
        """Whether a client connects with MQTT; False for an HTTPS request."""
        return self.protocol_data is not None and self.protocol_data.mqtt is not None

    def with_client_id(self, client_id: str) -> "AuthorizerEvent":
        """The event of the same client with this MQTT client ID."""
        mqtt = self.mqtt.model_copy(update={"client_id": client_id})
        data = (self.protocol_data or ProtocolData()).model_copy(update={"mqtt": mqtt})
        return self.model_copy(update={"protocol_data": data})

    @property
    def connection_id(self) -> str | None:
        """IoT Core's ID of the connection."""
        return self.connection_metadata.id if self.connection_metadata else None


_FIELDS = {"token", "signatureVerified", "protocolData", "connectionMetadata", "tls", "http", "mqtt", "id"}
