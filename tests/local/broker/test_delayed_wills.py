"""Wills that wait for their Will Delay outlive the process (MQTT 5.0, section 3.1.3.2.2)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from iot_core.mqtt import Publish, Will
from tests.local.broker.bench import MQTT_5, Bench, limits, will
from tests.local.broker.peer import Policy, given_properties

End = Callable[[Bench], None]
DELAY, EXPIRY = 100, 1000


@pytest.fixture
def broker(tmp_path: Path) -> Bench:
    return Bench(MQTT_5, tmp_path / "iot-core.sqlite")


@pytest.fixture(params=[Bench.restart, Bench.kill], ids=["ended", "killed"])
def end(request: pytest.FixtureRequest) -> End:
    """How the process ends; another one is there then."""
    found: End = request.param
    return found


def leave(broker: Bench, *, expiry: int = EXPIRY, qos: int = 1, retain: bool = False, **properties: object) -> None:
    """Alice is gone, and her Will waits; Bob, who is away, is to get it."""
    bob = broker.persistent("bob")
    bob.subscribe("wills/alice", qos=1)
    bob.lose()
    last = Will("wills/alice", b"gone", qos, retain, given_properties({"will_delay_interval": DELAY, **properties}))
    broker.connect("alice", expiry=expiry, will=last).lose()


def published(broker: Bench) -> list[Publish]:
    """The Wills that Bob gets."""
    bob = broker.persistent("bob")
    messages = bob.received()
    bob.acknowledge(*messages)
    bob.lose()
    return messages


def test_it_is_published_when_its_delay_is_over(broker: Bench, end: End) -> None:
    leave(broker)
    broker.wait(DELAY - 10)
    end(broker)
    broker.wait(9)
    assert published(broker) == []
    broker.wait(1)
    assert [message.payload for message in published(broker)] == [b"gone"]


def test_it_is_published_at_once_where_its_delay_is_over_meanwhile(broker: Bench, end: End) -> None:
    leave(broker)
    broker.clock.now += DELAY
    end(broker)
    assert [message.payload for message in published(broker)] == [b"gone"]


def test_it_can_not_be_revoked_where_its_delay_is_over_meanwhile(broker: Bench, end: End) -> None:
    leave(broker)
    broker.clock.now += DELAY
    end(broker)
    broker.persistent("alice")
    assert [message.payload for message in published(broker)] == [b"gone"]


def test_it_is_published_at_once_where_its_session_expired_meanwhile(broker: Bench, end: End) -> None:
    leave(broker, expiry=DELAY // 2)
    broker.clock.now += DELAY // 2
    end(broker)
    assert [message.payload for message in published(broker)] == [b"gone"]


def test_it_is_not_published_again_by_the_next_process(broker: Bench, end: End) -> None:
    leave(broker)
    broker.wait(DELAY)
    published(broker)
    end(broker)
    broker.wait(DELAY)
    assert published(broker) == []


def test_it_is_not_published_again_by_the_process_after_that(broker: Bench, end: End) -> None:
    leave(broker)
    broker.clock.now += DELAY
    end(broker)
    published(broker)
    end(broker)
    assert published(broker) == []


def test_it_is_revoked_when_its_session_goes_on(broker: Bench, end: End) -> None:
    leave(broker)
    end(broker)
    assert broker.persistent("alice").connack.session_present
    broker.wait(DELAY)
    assert published(broker) == []


def test_it_stays_revoked(broker: Bench, end: End) -> None:
    leave(broker)
    broker.persistent("alice")
    end(broker)
    broker.wait(DELAY)
    assert published(broker) == []


def test_it_stays_revoked_by_delete_connection(broker: Bench, end: End) -> None:
    leave(broker)
    broker.broker.disconnect("alice", prevent_will=True)
    end(broker)
    broker.wait(DELAY)
    assert published(broker) == []


def test_it_is_published_when_a_clean_start_ends_its_session(broker: Bench, end: End) -> None:
    leave(broker)
    end(broker)
    broker.connect("alice")
    assert [message.payload for message in published(broker)] == [b"gone"]


def test_its_message_expiry_begins_when_it_is_published(broker: Bench, end: End) -> None:
    leave(broker, message_expiry_interval=20)
    end(broker)
    broker.wait(DELAY)
    broker.wait(5)
    assert [message.properties.message_expiry_interval for message in published(broker)] == [15]


def test_it_has_its_properties(broker: Bench, end: End) -> None:
    leave(broker, content_type="text/plain", user_properties=(("k", "v"),), correlation_data=b"\xff")
    end(broker)
    broker.wait(DELAY)
    (message,) = published(broker)
    properties = message.properties
    assert (properties.content_type, properties.user_properties) == ("text/plain", (("k", "v"),))
    assert properties.correlation_data == b"\xff"


@pytest.mark.parametrize("qos", [0, 1])
def test_it_has_its_qos_and_is_retained(broker: Bench, end: End, qos: int) -> None:
    leave(broker, qos=qos, retain=True)
    end(broker)
    broker.wait(DELAY)
    found = broker.broker.retained.get("wills/alice")
    assert found is not None
    assert (found.message.payload, found.message.qos) == (b"gone", qos)


def test_it_is_not_for_its_own_client_where_that_wants_no_local(broker: Bench, end: End) -> None:
    alice = broker.connect("alice", expiry=EXPIRY, will=will(qos=1, will_delay_interval=DELAY))
    alice.subscribe("wills/alice", qos=1, no_local=True)
    alice.lose()
    end(broker)
    broker.wait(DELAY)
    assert broker.persistent("alice").payloads() == []


def test_the_permission_counts_that_the_client_had_at_its_end(broker: Bench, end: End) -> None:
    policy = Policy()
    policy.deny("Publish", "wills/alice")
    broker.connect("alice", expiry=EXPIRY, policy=policy, will=will(retain=True, will_delay_interval=DELAY)).lose()
    end(broker)
    broker.wait(DELAY)
    assert broker.broker.retained.get("wills/alice") is None


def test_it_counts_among_what_waits_after_a_restart(tmp_path: Path, end: End) -> None:
    broker = Bench(MQTT_5, tmp_path / "iot-core.sqlite", limits(stored_bytes=1000))
    leave(broker, content_type="c" * 1000)
    end(broker)
    broker.publish("wills/alice", b"x", qos=1)
    assert broker.dropped() == ["queues_full"]
