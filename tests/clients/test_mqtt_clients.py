"""MQTT.js, Paho and AWS's device SDK, each over each transport: allowed, refused, forbidden, expired."""

from functools import partial

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from tests.clients.awsiotsdk_client import AwsMqtt3Connection, AwsMqtt5Connection, Builder
from tests.clients.chromium_client import ChromiumConnection
from tests.clients.connection import RealClient
from tests.clients.mqtt_js_client import MqttJsConnection
from tests.clients.paho_client import PahoConnection, Transport
from tests.clients.presence import Watcher
from tests.clients.server import ROOM, Server

BUILDERS: dict[Builder, str] = {"direct": "AWS_ERROR_MQTT_UNEXPECTED_HANGUP", "websockets": "AWS_IO_SOCKET_CLOSED"}
"""AWS's SDK, and how its MQTT 3.1.1 client says that the server ended the connection."""
TRANSPORTS: tuple[Transport, ...] = ("tcp", "tls", "ws")

REFUSED = "Connection refused: Not authorized"
CLIENTS = [
    RealClient(
        name="mqtt.js-3.1.1-ws",
        connect=partial(MqttJsConnection, version=4, secure=False),
        refused=REFUSED,
        subscription_refused="Subscribe error: Unspecified error",
        forbidden="",
        expired="",
    ),
    *(
        RealClient(
            name=name,
            connect=connect,
            refused=REFUSED,
            subscription_refused="Subscribe error: Not authorized",
            forbidden="reason code 135",
            expired="reason code 160",
        )
        for name, connect in (
            ("mqtt.js-5-wss", partial(MqttJsConnection, version=5, secure=True)),
            ("mqtt.js-chromium", ChromiumConnection),
        )
    ),
    *(
        RealClient(
            name=f"paho-{name}-{transport}",
            connect=partial(PahoConnection, version=version, transport=transport),
            refused="Not authorized",
            subscription_refused=denied,
            forbidden=denied,
            expired=expired,
        )
        for name, version, denied, expired in (
            ("3.1.1", MQTTProtocolVersion.MQTTv311, "Unspecified error", "Unspecified error"),
            ("5", MQTTProtocolVersion.MQTTv5, "Not authorized", "Maximum connect time"),
        )
        for transport in TRANSPORTS
    ),
    *(
        RealClient(
            name=f"awsiotsdk-3.1.1-{builder}",
            connect=partial(AwsMqtt3Connection, builder=builder),
            refused="AWS_ERROR_MQTT_PROTOCOL_ERROR",
            subscription_refused="SubscribeError",
            forbidden=ended,
            expired=ended,
        )
        for builder, ended in BUILDERS.items()
    ),
    *(
        RealClient(
            name=f"awsiotsdk-5-{builder}",
            connect=partial(AwsMqtt5Connection, builder=builder),
            refused="NOT_AUTHORIZED",
            subscription_refused="NOT_AUTHORIZED",
            forbidden="NOT_AUTHORIZED",
            expired="MAXIMUM_CONNECT_TIME",
        )
        for builder in BUILDERS
    ),
]
pytestmark = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


def client_id(client: RealClient, test: str) -> str:
    return f"ann/{client.name}/{test}"


def test_a_client_receives_what_it_publishes_in_its_room(client: RealClient, server: Server) -> None:
    own, topic = client_id(client, "allowed"), f"rooms/{ROOM}/say/ann"
    with client.connect(server, own, server.token("ann")) as connection:
        assert connection.next() == ("connected", "")
        connection.subscribe(topic)
        assert connection.next() == ("subscribed", "")
        connection.publish(topic, f"hello from {client.name}")
        assert connection.next() == ("message", f"{topic}\nhello from {client.name}")


def test_a_forged_token_is_refused(client: RealClient, server: Server) -> None:
    with client.connect(server, client_id(client, "refused"), server.forged_token("ann")) as connection:
        assert connection.next() == ("refused", client.refused)


def test_a_forbidden_topic_filter_is_refused_in_the_suback(client: RealClient, server: Server) -> None:
    with client.connect(server, client_id(client, "subscribe"), server.token("ann")) as connection:
        assert connection.next() == ("connected", "")
        connection.subscribe("rooms/attic/#")
        assert connection.next() == ("subscribed", client.subscription_refused)


def test_a_forbidden_publish_ends_the_connection(client: RealClient, server: Server, watcher: Watcher) -> None:
    own = client_id(client, "publish")
    with client.connect(server, own, server.token("ann")) as connection:
        assert connection.next() == ("connected", "")
        connection.publish(f"rooms/{ROOM}/say/bob", "not me")
        assert connection.next() == ("ended", client.forbidden)
    assert watcher.disconnect_reason(own) == "FORBIDDEN_ACCESS"


def test_a_connection_ends_with_its_token(client: RealClient, server: Server, watcher: Watcher) -> None:
    own = client_id(client, "expiry")
    with client.connect(server, own, server.ending_token("ann")) as connection:
        assert connection.next() == ("connected", "")
        assert connection.next() == ("ended", client.expired)
    assert watcher.disconnect_reason(own) == "CUSTOMAUTH_TTL_EXPIRATION"
