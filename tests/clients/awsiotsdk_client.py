"""AWS IoT Device SDK v2 for Python, through its builders for custom authorizers."""

from concurrent.futures import Future
from contextlib import ExitStack
from threading import Event
from typing import Literal

from awscrt import mqtt, mqtt5
from awscrt.http import HttpProxyOptions
from awsiot import mqtt5_client_builder, mqtt_connection_builder

from tests.clients.connect_proxy import proxy_to
from tests.clients.connection import PATIENCE, Connection
from tests.clients.server import Server

Builder = Literal["direct", "websockets"]


class AwsMqtt5Connection(Connection):
    """The SDK's MQTT 5 client."""

    def __init__(self, server: Server, client_id: str, token: str, *, builder: Builder) -> None:
        super().__init__()
        build = getattr(mqtt5_client_builder, f"{builder}_with_custom_authorizer")
        self._stopped = Event()
        self._client = build(
            endpoint=server.host,
            port=server.tls_port,
            ca_filepath=str(server.ca),
            client_id=client_id,
            auth_authorizer_name="chat",
            auth_token_key_name="token",
            auth_token_value=token,
            on_lifecycle_connection_success=lambda event: self.happened("connected"),
            on_lifecycle_connection_failure=self._refused,
            on_lifecycle_disconnection=self._ended,
            on_lifecycle_stopped=lambda event: self._stopped.set(),
            on_publish_received=self._received,
        )
        self._client.start()

    def _refused(self, event: mqtt5.LifecycleConnectFailureData) -> None:
        self.happened("refused", event.connack_packet.reason_code.name if event.connack_packet else event.exception)

    def _ended(self, event: mqtt5.LifecycleDisconnectData) -> None:
        packet = event.disconnect_packet
        self.happened("ended", packet.reason_code.name if packet else event.exception.name)

    def _received(self, event: mqtt5.PublishReceivedData) -> None:
        packet = event.publish_packet
        self.happened("message", f"{packet.topic}\n{packet.payload.decode()}")

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        subscription = mqtt5.Subscription(topic_filter, mqtt5.QoS.AT_LEAST_ONCE)
        self._client.subscribe(mqtt5.SubscribePacket([subscription])).add_done_callback(self._subscribed)

    def _subscribed(self, suback: "Future[mqtt5.SubackPacket]") -> None:
        code = suback.result().reason_codes[0]
        self.happened("subscribed", "" if code < mqtt5.SubackReasonCode.UNSPECIFIED_ERROR else code.name)

    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""
        self._client.publish(mqtt5.PublishPacket(payload, mqtt5.QoS.AT_LEAST_ONCE, topic=topic))

    def close(self) -> None:
        """End the connection and the client."""
        self._client.stop(mqtt5.DisconnectPacket())
        assert self._stopped.wait(PATIENCE)


class AwsMqtt3Connection(Connection):
    """The SDK's MQTT 3.1.1 connection. Its direct builder connects to port 443 and so needs the proxy."""

    def __init__(self, server: Server, client_id: str, token: str, *, builder: Builder) -> None:
        super().__init__()
        self._stack = ExitStack()
        proxy = None
        if builder == "direct":
            port = self._stack.enter_context(proxy_to(server.host, server.tls_port))
            proxy = HttpProxyOptions("127.0.0.1", port)
        build = getattr(mqtt_connection_builder, f"{builder}_with_custom_authorizer")
        self._connection = build(
            endpoint=server.host,
            port=server.tls_port,
            ca_filepath=str(server.ca),
            client_id=client_id,
            clean_session=True,
            reconnect_min_timeout_secs=1,
            auth_authorizer_name="chat",
            auth_token_key_name="token",
            auth_token_value=token,
            http_proxy_options=proxy,
            on_connection_interrupted=lambda connection, error: self.happened("ended", error.name),
        )
        self._connection.on_message(self._received)
        self._connack = self._connection.connect()
        self._connack.add_done_callback(self._connected)

    def _connected(self, connack: "Future[dict[str, object]]") -> None:
        error = connack.exception()
        self.happened("refused" if error else "connected", getattr(error, "name", error) or "")

    def _received(self, topic: str, payload: bytes, **_: object) -> None:
        self.happened("message", f"{topic}\n{payload.decode()}")

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        suback, _ = self._connection.subscribe(topic_filter, mqtt.QoS.AT_LEAST_ONCE)
        suback.add_done_callback(self._subscribed)

    def _subscribed(self, suback: "Future[dict[str, object]]") -> None:
        error = suback.exception()
        self.happened("subscribed", type(error).__name__ if error else "")

    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""
        self._connection.publish(topic, payload, mqtt.QoS.AT_LEAST_ONCE)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connack.exception(PATIENCE) is None:
            self._connection.disconnect().result(PATIENCE)
        self._stack.close()
