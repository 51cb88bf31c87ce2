"""Two connections with one client ID: the newer stays (developer guide, "AWS IoT differences from MQTT")."""

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench, only_mqtt_5, will


def test_the_older_connection_is_ended(broker: Bench) -> None:
    old = broker.connect()
    broker.connect()
    assert old.ended_with(ReasonCode.SESSION_TAKEN_OVER)


def test_the_newer_connection_stays_and_the_older_ones_packets_are_ignored(broker: Bench) -> None:
    old = broker.connect()
    new = broker.subscriber("a")
    old.publish("a", b"ignored")
    broker.publish("a", b"hello")
    assert new.payloads() == [b"hello"]


def test_the_end_of_the_older_connection_leaves_the_newer_alone(broker: Bench) -> None:
    old = broker.connect()
    new = broker.connect()
    old.lose()
    assert broker.broker.client("alice") is new.client


def test_a_session_goes_on_in_the_newer_connection(broker: Bench) -> None:
    broker.subscriber("a", qos=1, persistent=True)
    broker.publish("a", b"unacknowledged", qos=1)
    new = broker.persistent()
    assert new.connack.session_present
    assert new.payloads() == [b"unacknowledged"]


def test_the_older_connections_will_is_published(broker: Bench) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.connect(will=will(payload=b"taken over"))
    broker.connect()
    assert bob.payloads() == [b"taken over"]


@only_mqtt_5
def test_a_delayed_will_is_not_published_where_the_session_goes_on(broker: Bench) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.persistent(will=will(will_delay_interval=10))
    broker.persistent()
    broker.wait(10)
    assert bob.payloads() == []


@only_mqtt_5
def test_a_delayed_will_is_published_where_a_clean_start_ends_the_session(broker: Bench) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.persistent(will=will(will_delay_interval=10))
    broker.connect()
    assert bob.payloads() == [b"gone"]
