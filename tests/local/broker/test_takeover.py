"""Two connections with one client ID: the newer stays (developer guide, "AWS IoT differences from MQTT")."""

import pytest

from iot_core.mqtt import ReasonCode
from tests.local.broker.bench import Bench, only_mqtt_5, will


def test_the_older_connection_is_ended(broker: Bench) -> None:
    old = broker.connect()
    broker.connect()
    assert old.ended_with(ReasonCode.SESSION_TAKEN_OVER)


def test_the_newer_connection_stays_and_the_older_ones_packets_and_end_are_ignored(broker: Bench) -> None:
    old = broker.connect()
    new = broker.subscriber("a")
    old.publish("a", b"ignored")
    old.lose()
    broker.publish("a", b"hello")
    assert (new.payloads(), broker.broker.client("alice")) == ([b"hello"], new.client)


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
@pytest.mark.parametrize("clean", [False, True])
def test_a_delayed_will_is_published_only_if_a_clean_start_ends_the_session(broker: Bench, clean: bool) -> None:
    bob = broker.subscriber("wills/alice", client_id="bob")
    broker.persistent(will=will(will_delay_interval=10))
    broker.persistent(clean=clean)
    broker.wait(10)
    assert bob.payloads() == ([b"gone"] if clean else [])
