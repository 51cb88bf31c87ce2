"""Message expiry, in whole seconds as IoT Core counts them (developer guide, "Message expiry")."""

from pathlib import Path

import pytest

from iot_core.mqtt import Version
from tests.local.broker.bench import MQTT_3_1_1, MQTT_5, Bench, will
from tests.local.broker.peer import Peer

WEEK = 7 * 24 * 3600


@pytest.fixture
def broker() -> Bench:
    return Bench(MQTT_5)


@pytest.fixture
def bob(broker: Bench) -> Peer:
    return broker.connect("bob")


def expiries(peer: Peer) -> list[int | None]:
    return [message.properties.message_expiry_interval for message in peer.received()]


def absent(broker: Bench, version: Version = MQTT_5) -> None:
    """Alice subscribes and disconnects, with a persistent session."""
    alice = broker.persistent(version=version)
    alice.subscribe("a", qos=1)
    alice.lose()


@pytest.mark.parametrize(
    ("asked", "given"), [(None, None), (0, 1), (1, 1), (30, 30), (WEEK, WEEK), (WEEK + 1, WEEK), (0xFFFF_FFFF, WEEK)]
)
def test_an_expiry_is_from_1_second_to_7_days(broker: Bench, bob: Peer, asked: int | None, given: int | None) -> None:
    alice = broker.subscriber("a")
    bob.publish("a", message_expiry_interval=asked)
    assert expiries(alice) == [given]


@pytest.mark.parametrize(("waited", "left"), [(20, 10), (29.001, 0)])
def test_the_seconds_in_the_queue_are_subtracted(broker: Bench, bob: Peer, waited: float, left: int) -> None:
    absent(broker)
    bob.publish("a", qos=1, message_expiry_interval=30)
    broker.wait(waited)
    assert expiries(broker.persistent()) == [left]


@pytest.mark.parametrize("version", [MQTT_3_1_1, MQTT_5])
def test_an_expired_message_is_not_delivered_from_the_queue(broker: Bench, bob: Peer, version: Version) -> None:
    absent(broker, version)
    bob.publish("a", b"expires", qos=1, message_expiry_interval=30)
    bob.publish("a", b"stays", qos=1)
    broker.wait(30)
    assert broker.persistent(version=version).payloads() == [b"stays"]


def test_an_expired_message_is_not_delivered_behind_others(broker: Bench, bob: Peer) -> None:
    alice = broker.connect(receive_maximum=1)
    alice.subscribe("a", qos=1)
    bob.publish("a", b"first", qos=1)
    bob.publish("a", b"expires", qos=1, message_expiry_interval=1)
    bob.publish("a", b"last", qos=1)
    (first,) = alice.received()
    broker.wait(1)
    alice.acknowledge(first)
    assert alice.payloads() == [b"last"]


def test_an_expired_retained_message_is_deleted(broker: Bench, bob: Peer) -> None:
    bob.publish("a", b"kept", retain=True, message_expiry_interval=30)
    broker.clock.now += 30
    assert broker.broker.retained.get("a") is None
    assert broker.subscriber("a").received() == []


def test_a_retained_message_names_the_seconds_that_are_left(broker: Bench, bob: Peer) -> None:
    bob.publish("a", b"kept", retain=True, message_expiry_interval=30)
    broker.wait(12)
    alice = broker.subscriber("a")
    assert expiries(alice) == [18]


def test_a_wills_expiry_begins_when_it_is_published(broker: Bench, bob: Peer) -> None:
    bob.subscribe("wills/alice")
    broker.persistent(will=will(message_expiry_interval=30, will_delay_interval=20)).lose()
    broker.wait(20)
    assert expiries(bob) == [30]


@pytest.mark.parametrize("back", [10, 0xFFFF_FFFF])
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_a_clock_that_is_set_back_gives_a_message_no_longer_life_than_its_own(
    tmp_path: Path, back: int, restarts: bool
) -> None:
    broker = Bench(MQTT_5, tmp_path / "iot-core.sqlite")
    absent(broker)
    broker.connect("bob").publish("a", b"x", qos=1, retain=True, message_expiry_interval=30)
    broker.clock.now -= back
    if restarts:
        broker.restart()
    assert expiries(broker.subscriber("a", client_id="carol")) == [30]
    assert expiries(broker.persistent()) == [30]
    broker.wait(30)
    assert broker.broker.retained.get("a") is None
