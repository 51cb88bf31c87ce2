"""Shared subscriptions (developer guide, "Shared subscriptions"; MQTT 5.0, section 4.8.2)."""

from collections.abc import Callable

import pytest

from iot_core.broker.shared_subscriptions import SharedSubscriptions
from iot_core.mqtt import Puback, Version
from tests.local.broker.bench import Bench, limits, only_mqtt_5
from tests.local.broker.peer import Peer, Policy

FILTER = "$share/g/a"


def members(broker: Bench, *client_ids: str, qos: int = 1) -> list[Peer]:
    return [broker.subscriber(FILTER, qos=qos, client_id=client_id) for client_id in client_ids]


def away(broker: Bench, client_id: str = "alice", topic_filter: str = FILTER, qos: int = 1) -> None:
    """A member with a persistent session disconnects."""
    broker.leave(topic_filter, qos=qos, client_id=client_id)


def take_all(peer: Peer) -> list[bytes]:
    """Acknowledge everything that arrives. Returns the payloads."""
    received: list[bytes] = []
    while messages := peer.received():
        received += [message.payload for message in messages]
        peer.acknowledge(*messages)
    return received


def test_one_member_gets_each_message_and_members_take_turns_also_if_one_subscribes_again(broker: Bench) -> None:
    alice, bob, carol = members(broker, "alice", "bob", "carol")
    broker.number(*range(6))
    assert [alice.payloads(), bob.payloads(), carol.payloads()] == [[b"0", b"3"], [b"1", b"4"], [b"2", b"5"]]
    alice.subscribe(FILTER)
    broker.number(*range(6))
    assert [len(peer.payloads()) for peer in (alice, bob, carol)] == [2, 2, 2]


@pytest.mark.parametrize("other", ["$share/h/a", "$share/g/+", "$share/g/#", "a"])
def test_each_other_subscription_that_matches_gets_a_copy(broker: Bench, other: str) -> None:
    alice, _ = members(broker, "alice", "bob")
    carol = broker.subscriber(other, client_id="carol")
    broker.number(1)
    assert (alice.payloads(), carol.payloads()) == ([b"1"], [b"1"])


def test_a_member_that_subscribes_for_itself_gets_a_copy_for_each(broker: Bench) -> None:
    (alice,) = members(broker, "alice")
    alice.subscribe("a")
    broker.number(1)
    assert alice.payloads() == [b"1", b"1"]


@pytest.mark.parametrize("leave", [lambda peer: peer.unsubscribe(FILTER), Peer.lose], ids=["unsubscribed", "gone"])
def test_a_former_member_gets_no_messages(broker: Bench, leave: Callable[[Peer], object]) -> None:
    alice, bob = members(broker, "alice", "bob")
    leave(alice)
    broker.number(1, 2)
    assert (alice.payloads(), bob.payloads()) == ([], [b"1", b"2"])


def test_a_member_that_is_away_is_left_out_while_another_is_there(broker: Bench) -> None:
    away(broker, "alice")
    (bob,) = members(broker, "bob")
    broker.number(1, 2)
    assert bob.payloads() == [b"1", b"2"]
    assert broker.persistent("alice").payloads() == []


@pytest.mark.parametrize("qos", [0, 1])
def test_a_member_that_may_not_receive_a_message_is_left_out(broker: Bench, qos: int) -> None:
    alice, bob = members(broker, "alice", "bob")
    alice.policy.deny("Receive", "a")
    broker.number(1, 2, qos=qos)
    assert (alice.payloads(), bob.payloads()) == ([], [b"1", b"2"])


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_messages_wait_for_the_first_member_that_connects(broker: Bench, first: str) -> None:
    away(broker)
    broker.number(1, 2)
    if first == "bob":
        assert members(broker, "bob")[0].payloads() == [b"1", b"2"]
    assert broker.persistent("alice").payloads() == ([] if first == "bob" else [b"1", b"2"])


def test_what_waits_is_not_for_a_member_that_may_not_receive_it(broker: Bench) -> None:
    away(broker, "alice")
    away(broker, "bob")
    broker.number(1)
    assert broker.persistent("alice", policy=Policy(("Receive", "a"))).payloads() == []
    assert broker.persistent("bob").payloads() == [b"1"]


def test_a_message_that_a_member_may_not_receive_does_not_delay_others_and_keeps_its_order(broker: Bench) -> None:
    away(broker, "alice", "$share/g/+")
    away(broker, "bob", "$share/g/+")
    for topic in ("secret", "a", "other", "b"):
        broker.publish(topic, qos=1)
    assert broker.persistent("alice", policy=Policy(("Receive", "secret"), ("Receive", "other"))).topics() == ["a", "b"]
    assert broker.persistent("bob").topics() == ["secret", "other"]


@pytest.mark.parametrize("queued_before", [False, True])
def test_a_message_that_no_member_may_receive_is_lost_when_all_are_connected(
    broker: Bench, queued_before: bool
) -> None:
    away(broker)
    if queued_before:
        broker.number(1)
    alice = broker.persistent(policy=Policy(("Receive", "a")))
    if not queued_before:
        broker.number(1)
    alice.client.link.permissions = Policy()
    broker.wait(1)
    alice.lose()
    assert broker.persistent().payloads() == []


def test_a_queue_belongs_to_one_group(broker: Bench) -> None:
    away(broker)
    broker.number(1)
    assert broker.subscriber("$share/h/a", qos=1, client_id="carol").payloads() == []


@pytest.mark.parametrize(("published", "subscribed"), [(0, 1), (1, 0)])
def test_qos_0_does_not_wait(broker: Bench, published: int, subscribed: int) -> None:
    away(broker, qos=subscribed)
    broker.number(1, qos=published)
    assert broker.persistent().payloads() == []


@pytest.mark.parametrize("unsubscribes", [False, True])
def test_a_queue_is_lost_with_the_last_member(broker: Bench, unsubscribes: bool) -> None:
    carol = broker.connect("carol")
    away(broker)
    broker.number(1)
    if unsubscribes:
        broker.persistent(policy=Policy(("Receive", "a"))).unsubscribe(FILTER)
    else:
        broker.broker.disconnect("alice", clean_session=True)
    carol.subscribe(FILTER, qos=1)
    assert carol.payloads() == []


def test_a_full_queue_drops_messages_and_counts_them(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=2))
    away(broker)
    broker.number(1, 2, 3)
    assert broker.dropped() == ["queue_full"]
    assert broker.persistent().payloads() == [b"1", b"2"]


def test_a_queue_is_handed_out_as_fast_as_its_messages_are_acknowledged(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=3, receive_maximum=1))
    alice = broker.persistent()
    alice.subscribe("b", FILTER, qos=1)
    alice.lose()
    for _ in range(3):
        broker.publish("b", b"own", qos=1)
    broker.number(1, 2, 3)
    assert take_all(broker.persistent()) == [b"own", b"own", b"own", b"1", b"2", b"3"]
    assert broker.dropped() == []


@only_mqtt_5
@pytest.mark.parametrize("sent_before", [False, True])
def test_an_expired_message_goes_to_no_other_member(broker: Bench, sent_before: bool) -> None:
    away(broker)
    alice = broker.persistent() if sent_before else None
    carol = broker.connect("carol")
    carol.publish("a", b"expires", qos=1, message_expiry_interval=10)
    carol.publish("a", b"stays", qos=1)
    broker.wait(10)
    if alice is not None:
        alice.lose()
    assert members(broker, "bob")[0].payloads() == [b"stays"]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_only_what_a_member_leaves_unacknowledged_goes_to_another_one(broker: Bench, acknowledged: bool) -> None:
    alice, bob = members(broker, "alice", "bob")
    broker.number(1, 2)
    if acknowledged:
        alice.acknowledge(*alice.received())
    alice.lose()
    assert bob.payloads() == ([b"2"] if acknowledged else [b"2", b"1"])


def test_what_is_queued_for_a_member_that_leaves_goes_to_another_one(version: Version) -> None:
    broker = Bench(version, limits=limits(receive_maximum=1))
    alice, bob = members(broker, "alice", "bob")
    broker.number(1, 2, 3)
    alice.lose()
    assert sorted(take_all(bob)) == [b"1", b"2", b"3"]


def test_what_came_by_another_subscription_stays_with_the_member(broker: Bench) -> None:
    alice = broker.persistent()
    alice.subscribe("b", FILTER, qos=1)
    (bob,) = members(broker, "bob")
    broker.publish("b", b"own", qos=1)
    alice.lose()
    assert (bob.payloads(), broker.persistent().payloads()) == ([], [b"own"])


@pytest.mark.parametrize("queued", [False, True])
def test_qos_0_for_a_slow_member_is_dropped_and_counted(broker: Bench, queued: bool) -> None:
    if queued:
        away(broker)
        broker.number(1)
    bob = broker.connect("bob")
    bob.wire.slow = True
    bob.subscribe(FILTER, qos=0)
    if not queued:
        broker.number(1)
    assert (bob.payloads(), broker.dropped()) == ([], ["slow"])


def test_a_member_with_a_full_queue_is_passed_over(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=3, receive_maximum=1))
    slow, prompt = members(broker, "slow", "prompt")
    got: list[bytes] = []
    for number in range(50):
        broker.number(number)
        got += take_all(prompt)
    assert (len(got), slow.closed, prompt.closed, broker.dropped()) == (46, False, False, [])


def test_what_a_member_leaves_is_not_too_much_for_another_one(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=3, receive_maximum=1))
    slow, prompt = members(broker, "slow", "prompt")
    broker.number(*range(8))
    slow.lose()
    assert sorted(take_all(prompt)) == [b"%d" % number for number in range(8)]
    assert (prompt.closed, broker.dropped()) == (False, [])


def test_what_is_too_much_for_all_members_waits_and_the_rest_is_counted(version: Version) -> None:
    broker = Bench(version, limits=limits(queued_messages=2, receive_maximum=1))
    (alice,) = members(broker, "alice")
    broker.number(*range(6))
    assert (alice.closed, broker.dropped()) == (False, ["queue_full"])
    assert take_all(alice) == [b"0", b"1", b"2", b"3", b"4"]


def test_an_acknowledgement_of_a_client_without_a_queue_asks_nothing_of_groups(
    broker: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each PUBACK of any client would cost as much time as there are messages in the queues of groups."""
    away(broker)
    broker.number(1)
    bob = broker.connect("bob")
    asked: list[object] = []

    def hand_out(shared: SharedSubscriptions) -> list[object]:
        asked.append(shared)
        return []

    monkeypatch.setattr(SharedSubscriptions, "hand_out", hand_out)
    bob.send(Puback(7))
    assert asked == []
