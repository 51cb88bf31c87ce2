"""Wills that wait for their Will Delay outlive the process (MQTT 5.0, section 3.1.3.2.2)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iot_core.mqtt import Publish, Will
from tests.local.broker.bench import MQTT_5, Bench, limits, will
from tests.local.broker.peer import Policy, given_properties

End = Callable[[Bench], None]
DELAY, EXPIRY = 100, 1000


@pytest.fixture
def broker(tmp_path: Path) -> Bench:
    return Bench(MQTT_5, tmp_path / "iot-core.sqlite")


@pytest.fixture(params=[lambda _: None, Bench.restart, Bench.kill], ids=["goes on", "ended", "killed"])
def end(request: pytest.FixtureRequest) -> End:
    """What happens to the process while the Will waits. Another process follows one that ends or is killed."""
    found: End = request.param
    return found


def leave(broker: Bench, *, expiry: int = EXPIRY, qos: int = 1, retain: bool = False, **properties: object) -> None:
    """Alice disconnects with a delayed Will. Bob has subscribed to it, and is absent."""
    broker.leave("wills/alice", qos=1, client_id="bob")
    last = Will("wills/alice", b"gone", qos, retain, given_properties({"will_delay_interval": DELAY, **properties}))
    broker.connect("alice", expiry=expiry, will=last).lose()


def published(broker: Bench) -> list[Publish]:
    """Return the Wills that Bob gets."""
    bob = broker.persistent("bob")
    messages = bob.received()
    bob.acknowledge(*messages)
    bob.lose()
    return messages


def payloads(broker: Bench) -> list[bytes]:
    return [message.payload for message in published(broker)]


def test_it_is_published_when_its_delay_has_passed(broker: Bench, end: End) -> None:
    leave(broker)
    broker.wait(DELAY - 10)
    end(broker)
    broker.wait(9)
    assert payloads(broker) == []
    broker.wait(1)
    assert payloads(broker) == [b"gone"]


@pytest.mark.parametrize("expiry", [EXPIRY, DELAY // 2], ids=["delay", "session expiry"])
@pytest.mark.parametrize("returns", [False, True])
def test_it_is_published_when_the_next_process_begins_after_the_end_of_its(
    broker: Bench, expiry: int, returns: bool
) -> None:
    """Its client can't revoke it any more."""
    leave(broker, expiry=expiry)
    broker.clock.now += min(expiry, DELAY)
    broker.kill()
    if returns:
        broker.persistent("alice")
    assert payloads(broker) == [b"gone"]


@pytest.mark.parametrize("published_by_the_next_process", [False, True])
def test_it_is_published_once(broker: Bench, end: End, published_by_the_next_process: bool) -> None:
    leave(broker)
    if published_by_the_next_process:
        end(broker)
    broker.wait(DELAY)
    assert payloads(broker) == [b"gone"]
    end(broker)
    broker.wait(DELAY)
    assert payloads(broker) == []


@pytest.mark.parametrize("revoked_before", [False, True])
def test_it_is_revoked_when_its_session_is_resumed(broker: Bench, end: End, revoked_before: bool) -> None:
    leave(broker)
    for step in (Bench.persistent, end) if revoked_before else (end, Bench.persistent):
        step(broker)
    broker.wait(DELAY)
    assert payloads(broker) == []


def test_it_is_revoked_by_delete_connection(broker: Bench, end: End) -> None:
    leave(broker)
    broker.broker.disconnect("alice", prevent_will=True)
    end(broker)
    broker.wait(DELAY)
    assert payloads(broker) == []


def test_it_is_published_when_its_session_expires(broker: Bench, end: End) -> None:
    leave(broker, expiry=DELAY // 2)
    end(broker)
    broker.wait(DELAY // 2)
    assert payloads(broker) == [b"gone"]


def test_it_is_published_when_a_clean_start_ends_its_session(broker: Bench, end: End) -> None:
    leave(broker)
    end(broker)
    broker.connect("alice")
    assert payloads(broker) == [b"gone"]


def test_it_has_its_properties_and_its_message_expiry_begins_when_it_is_published(broker: Bench, end: End) -> None:
    carried: dict[str, Any] = {
        "content_type": "text/plain",
        "user_properties": (("k", "v"),),
        "correlation_data": b"\xff",
    }
    leave(broker, message_expiry_interval=20, **carried)
    end(broker)
    broker.wait(DELAY)
    broker.wait(5)
    (message,) = published(broker)
    assert vars(message.properties) == {**carried, "message_expiry_interval": 15}


@pytest.mark.parametrize("qos", [0, 1])
def test_it_has_its_qos_and_is_retained(broker: Bench, end: End, qos: int) -> None:
    leave(broker, qos=qos, retain=True)
    end(broker)
    broker.wait(DELAY)
    message = broker.retained("wills/alice").message
    assert (message.payload, message.qos) == (b"gone", qos)


def test_it_is_not_for_its_own_client_where_that_wants_no_local(broker: Bench, end: End) -> None:
    alice = broker.connect("alice", expiry=EXPIRY, will=will(qos=1, will_delay_interval=DELAY))
    alice.subscribe("wills/alice", qos=1, no_local=True)
    alice.lose()
    end(broker)
    broker.wait(DELAY)
    assert broker.persistent("alice").payloads() == []


def test_the_permission_counts_that_the_client_had_at_its_end(broker: Bench, end: End) -> None:
    policy = Policy(("Publish", "wills/alice"))
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


@pytest.mark.parametrize("again", [Bench.restart, Bench.kill], ids=["ended", "killed"])
def test_a_clock_that_is_set_back_before_a_start_delays_it_no_longer_than_its_session_lasts(
    broker: Bench, again: End
) -> None:
    leave(broker)
    broker.wait(0)
    broker.clock.now -= 1_000_000
    again(broker)
    broker.wait(EXPIRY)
    assert broker.broker.session("alice") is None
    assert payloads(broker) == [b"gone"]
