"""What survives when the process ends or is killed, and another one starts."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_core.broker.storage import StorageError
from iot_core.edge.outbox import Outbox
from iot_core.mqtt import Version
from tests.local.broker.bench import MQTT_3_1_1, MQTT_5, Bench, only_mqtt_5, will
from tests.local.broker.peer import Peer, Wire

HOUR = 3600
End = Callable[[Bench], None]


@pytest.fixture
def broker(version: Version, tmp_path: Path) -> Bench:
    return Bench(version, tmp_path / "iot-core.sqlite")


@pytest.fixture(params=[Bench.restart, Bench.kill], ids=["ended", "killed"])
def end(request: pytest.FixtureRequest) -> End:
    """End the process in one of two ways, and start another one."""
    found: End = request.param
    return found


def away(broker: Bench, *payloads: bytes) -> None:
    broker.leave("a/+", qos=1)
    for payload in payloads:
        broker.publish("a/b", payload, qos=1)


def test_a_session_survives_with_its_subscriptions(broker: Bench, end: End) -> None:
    options = {"no_local": True, "retain_as_published": True, "retain_handling": 2}
    alice = broker.persistent()
    alice.subscribe("a/+", "b", qos=1, **(options if broker.version is MQTT_5 else {}))
    alice.unsubscribe("b")
    alice.lose()
    before = dict(broker.session().subscriptions)
    end(broker)
    session = broker.session()
    assert (session.principal_id, session.disconnect_reason) == ("principalalice", "CONNECTION_LOST")
    assert (list(session.subscriptions), session.subscriptions) == (["a/+"], before)
    alice = broker.persistent()
    assert alice.connack.session_present
    broker.publish("a/b", b"live")
    assert alice.payloads() == [b"live"]


def test_a_queue_survives_in_its_order(broker: Bench, end: End) -> None:
    away(broker, *(b"%d" % number for number in range(20)))
    end(broker)
    assert broker.persistent().payloads() == [b"%d" % number for number in range(20)]


def test_only_unacknowledged_messages_are_sent_again_as_duplicates(broker: Bench, end: End) -> None:
    alice = broker.subscriber("a", qos=1, persistent=True)
    broker.publish("a", b"1", qos=1)
    broker.publish("a", b"2", qos=1)
    alice.acknowledge(alice.received()[0])
    end(broker)
    assert [(message.payload, message.duplicate) for message in broker.persistent().received()] == [(b"2", True)]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_messages_of_a_shared_subscription_survive_until_they_are_acknowledged(
    broker: Bench, end: End, acknowledged: bool
) -> None:
    broker.leave("$share/g/a", qos=1)
    broker.publish("a", b"1", qos=1)
    broker.publish("a", b"2", qos=1)
    if acknowledged:
        alice = broker.persistent()
        alice.acknowledge(*alice.received())
    end(broker)
    assert broker.persistent().payloads() == ([] if acknowledged else [b"1", b"2"])


def test_messages_that_a_member_left_to_another_one_do_not_return_to_it(broker: Bench, end: End) -> None:
    alice = broker.subscriber("$share/g/a", qos=1, persistent=True)
    bob = broker.subscriber("$share/g/a", qos=1, client_id="bob")
    broker.publish("a", b"1", qos=1)
    alice.lose()
    bob.acknowledge(*bob.received())
    end(broker)
    assert broker.persistent("alice").payloads() == []


@only_mqtt_5
def test_a_packet_over_the_clients_maximum_does_not_come_back(broker: Bench, end: End) -> None:
    broker.persistent(maximum_packet_size=100).subscribe("a", qos=1)
    broker.publish("a", bytes(100), qos=1)
    end(broker)
    assert broker.persistent().payloads() == []


@pytest.mark.parametrize("persistent_before", [False, True])
def test_a_clean_session_does_not_survive(broker: Bench, end: End, persistent_before: bool) -> None:
    if persistent_before:
        away(broker, b"1")
    broker.subscriber("a", qos=1)
    end(broker)
    assert broker.broker.session("alice") is None


@pytest.mark.parametrize(("before", "meanwhile", "after"), [(HOUR - 1, 0, 1), (0, HOUR, 0)])
def test_the_time_of_an_absent_session_goes_on(
    broker: Bench, end: End, before: int, meanwhile: int, after: int
) -> None:
    away(broker, b"1")
    broker.wait(before)
    broker.clock.now += meanwhile
    end(broker)
    broker.wait(after)
    assert broker.broker.session("alice") is None
    assert not broker.persistent().connack.session_present


def test_the_time_of_a_client_that_was_connected_begins_now(broker: Bench, end: End) -> None:
    broker.persistent()
    broker.wait(10 * HOUR)
    end(broker)
    broker.wait(HOUR - 1)
    assert broker.broker.session("alice") is not None
    broker.wait(1)
    assert broker.broker.session("alice") is None


@only_mqtt_5
def test_an_expiry_that_a_disconnect_changed_survives(broker: Bench, end: End) -> None:
    broker.connect(expiry=100).disconnect(session_expiry_interval=200)
    end(broker)
    assert broker.session().expiry_interval == 200


def test_a_client_that_was_connected_when_the_process_was_killed_left_for_a_server_error(broker: Bench) -> None:
    broker.persistent()
    broker.kill()
    assert broker.session().disconnect_reason == "SERVER_ERROR"


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("before", "after"), [(MQTT_3_1_1, MQTT_5), (MQTT_5, MQTT_3_1_1)])
def test_a_session_is_not_resumed_in_the_other_version(
    tmp_path: Path, before: Version, after: Version, restarted: bool
) -> None:
    broker = Bench(before, tmp_path / "iot-core.sqlite")
    away(broker, b"1")
    if restarted:
        broker.restart()
    alice = broker.persistent(version=after)
    assert (alice.connack.session_present, alice.payloads()) == (False, [])


@pytest.mark.parametrize("qos", [0, 1])
def test_a_retained_message_survives_with_its_qos_and_time_unless_it_is_deleted(
    broker: Bench, end: End, qos: int
) -> None:
    for topic in ("a", "b"):
        broker.publish(topic, b"kept", qos, retain=True)
    broker.publish("b", b"", retain=True)
    broker.wait(10)
    end(broker)
    assert broker.retained("a").modified_ms == 1_700_000_000_000
    alice = broker.subscriber("a", "b", qos=1)
    assert [(message.payload, message.qos, message.retain) for message in alice.received()] == [(b"kept", qos, True)]


@only_mqtt_5
def test_message_expiry_goes_on(broker: Bench, end: End) -> None:
    away(broker)
    bob = broker.connect("bob")
    bob.publish("a/b", b"expires", 1, True, message_expiry_interval=10)
    bob.publish("a/b", b"stays", 1, message_expiry_interval=20)
    end(broker)
    broker.wait(12)
    (message,) = broker.persistent().received()
    assert (message.payload, message.properties.message_expiry_interval) == (b"stays", 8)
    assert broker.broker.retained.get("a/b") is None


def test_a_will_is_published_when_the_process_ends(broker: Bench) -> None:
    broker.leave("wills/alice", qos=1, client_id="bob")
    broker.connect("alice", will=will(qos=1))
    broker.restart()
    assert broker.persistent("bob").payloads() == [b"gone"]


class Unflushed(Wire):
    """A connection whose bytes wait until the storage has committed, as those of the edge do."""

    def __init__(self, version: Version, outbox: Outbox) -> None:
        super().__init__(version)
        self.aborted = False
        self.outbox = outbox
        self._written = b""

    def write(self, chunk: bytes) -> None:
        self._written += chunk
        self.outbox.add(self)

    def flush(self) -> None:
        super().write(self._written)
        self._written = b""

    def abort(self) -> None:
        self._written = b""
        self.aborted = True


def publish_on_a_full_disk(broker: Bench) -> tuple[Unflushed, list[StorageError]]:
    """Publish a QoS 1 message to an absent client, as the edge does."""
    away(broker)
    bob = broker.connect("bob")
    broker.storage.commit()
    errors: list[StorageError] = []
    wire = Unflushed(broker.version, Outbox(broker.storage, errors.append))
    bob.client.link.outlet = wire
    (pages,) = broker.storage.database.execute("PRAGMA page_count").fetchone()
    broker.storage.database.execute(f"PRAGMA max_page_count = {pages}")

    async def publish() -> None:
        bob.publish("a/b", bytes(100_000), qos=1)
        wire.outbox.flush()

    asyncio.run(publish())
    return wire, errors


def test_what_can_not_be_stored_is_not_acknowledged(broker: Bench) -> None:
    wire, errors = publish_on_a_full_disk(broker)
    assert wire.packets == []
    assert wire.aborted
    (error,) = errors
    assert str(error).endswith("iot-core.sqlite: can't be written: database or disk is full")


def test_a_broker_starts_after_its_disk_was_full(broker: Bench) -> None:
    publish_on_a_full_disk(broker)
    with contextlib.suppress(StorageError):
        broker.persistent("carol").subscribe("c", qos=1)
        broker.storage.commit()
    broker.kill()
    alice: Peer = broker.persistent()
    assert (alice.connack.session_present, alice.payloads()) == (True, [])


@only_mqtt_5
def test_a_session_that_is_resumed_without_expiry_does_not_outlive_its_process(broker: Bench, end: End) -> None:
    away(broker, b"waits")
    alice = broker.connect(clean=False)
    assert (alice.connack.session_present, alice.payloads()) == (True, [b"waits"])
    end(broker)
    assert not broker.persistent().connack.session_present
    assert list(broker.storage.queued()) == []
