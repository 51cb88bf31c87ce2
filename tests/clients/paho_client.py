"""Eclipse Paho for Python."""

from typing import Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.clients.connection import Connection
from tests.clients.server import Server

Transport = Literal["tcp", "tls", "ws", "wss"]


class PahoConnection(Connection):
    """Sends its token in the user name over TCP and TLS, in the query string over WebSocket."""

    def __init__(
        self, server: Server, client_id: str, token: str, *, version: MQTTProtocolVersion, transport: Transport
    ) -> None:
        super().__init__()
        query = f"x-amz-customauthorizer-name=chat&token={token}"
        websocket = transport in ("ws", "wss")
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=version,
            transport="websockets" if websocket else "tcp",
            reconnect_on_failure=False,
        )
        if websocket:
            self._client.ws_set_options(f"/mqtt?{query}")
        else:
            self._client.username_pw_set(f"?{query}")
        secure = transport in ("tls", "wss")
        if secure:
            self._client.tls_set(str(server.ca), alpn_protocols=None if websocket else ["mqtt"])
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received
        self._client.on_disconnect = self._ended
        self._client.connect(server.host, server.tls_port if secure else server.port)
        self._client.loop_start()

    def _connected(
        self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        self.happened("refused" if reason.is_failure else "connected", reason if reason.is_failure else "")

    def _subscribed(
        self, client: mqtt.Client, userdata: object, mid: int, reasons: list[ReasonCode], _: Properties | None
    ) -> None:
        self.happened("subscribed", reasons[0] if reasons[0].is_failure else "")

    def _received(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        self.happened("message", f"{message.topic}\n{message.payload.decode()}")

    def _ended(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _: Properties | None,
    ) -> None:
        self.happened("ended", reason)

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._client.subscribe(topic_filter, 1)

    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""
        self._client.publish(topic, payload, 1)

    def close(self) -> None:
        """End the connection and its thread."""
        self._client.disconnect()
        self._client.loop_stop()
