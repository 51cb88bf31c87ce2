"""Deliveries that cause others: one ends a slow client, whose Will ends the next one, and so on."""

import sys

import pytest

from iot_core.mqtt import Version
from tests.local.broker.bench import Bench, limits, will
from tests.local.broker.peer import Peer

MANY = sys.getrecursionlimit()


@pytest.fixture
def broker(version: Version) -> Bench:
    """Each client has room for one message in flight, and one that waits."""
    return Bench(version, limits=limits(receive_maximum=1, queued_messages=1))


def test_wills_that_end_one_client_after_the_other_end_them_all(broker: Bench) -> None:
    peers = [broker.connect(str(number), will=will("a", qos=1)) for number in range(MANY)]
    for peer in peers:
        peer.subscribe("a", qos=1)
    broker.number(1, 2, 3)
    assert all(peer.closed for peer in peers)


def test_what_a_member_of_a_shared_subscription_leaves_ends_no_other(broker: Bench) -> None:
    peers = [broker.connect(str(number)) for number in range(MANY)]
    for peer in peers:
        peer.subscribe("$share/g/a", qos=1)
    broker.number(*range(2 * MANY))
    peers[0].lose()
    assert not any(peer.closed for peer in peers[1:])


def test_the_message_that_ends_a_client_precedes_its_will(broker: Bench) -> None:
    slow = broker.connect("slow", will=will("a", b"will", qos=0))
    slow.subscribe("a", qos=1)
    bob = broker.subscriber("a", qos=0, client_id="bob")
    broker.number(1, 2, 3)
    assert bob.payloads() == [b"1", b"2", b"3", b"will"]


def test_a_delivery_that_fails_does_not_stop_the_next(broker: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = broker.subscriber("a", client_id="bob")
    with monkeypatch.context() as patch:
        patch.setattr(broker.broker.router, "routes", fail)
        with pytest.raises(RuntimeError):
            broker.number(1)
    broker.number(2)
    assert bob.payloads() == [b"2"]


def test_an_error_with_one_connection_does_not_keep_the_others_open(
    broker: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers: list[Peer] = [broker.connect(client_id) for client_id in ("alice", "bob", "carol")]
    monkeypatch.setattr(peers[0].wire, "close", fail)
    broker.broker.close()
    assert [peer.closed for peer in peers] == [False, True, True]


def fail(*_: object) -> None:
    raise RuntimeError
