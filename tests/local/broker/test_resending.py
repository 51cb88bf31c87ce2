"""Clients that resend a message that was refused."""

from iot_core import mqtt
from iot_core.broker.limits import BrokenRule
from iot_core.broker.resending import RefusedMessages
from tests.local.broker.bench import Bench


def refused(broker: Bench, payload: bytes = b"x", *, duplicate: bool = False, packet_id: int | None = 7) -> str:
    """Connects alice, who publishes what she may not; gives what the feed says about the end of her connection."""
    alice = broker.connect()
    alice.policy.deny("Publish", "secret")
    qos = 0 if packet_id is None else 1
    alice.send(mqtt.Publish("secret", payload, qos, False, duplicate, packet_id))
    assert alice.closed
    return str([fields["detail"] for _, fields in broker.reports if fields.get("event") == "disconnected"][-1])


def resent(detail: str) -> bool:
    return "the client resends a refused message" in detail


def test_the_third_refusal_of_the_same_message_says_so(broker: Bench) -> None:
    assert [resent(refused(broker)) for _ in range(4)] == [False, False, True, True]
    assert "sent 5 times: let it give up unacknowledged messages" in refused(broker)


def test_the_second_refusal_says_so_if_the_client_marks_the_message_as_a_duplicate(broker: Bench) -> None:
    refused(broker)
    assert resent(refused(broker, duplicate=True))


def test_another_payload_is_another_message(broker: Bench) -> None:
    assert [resent(refused(broker, payload)) for payload in (b"a", b"b", b"c", b"d")] == [False] * 4


def test_another_packet_identifier_is_another_message(broker: Bench) -> None:
    assert [resent(refused(broker, packet_id=number)) for number in (1, 2, 3)] == [False] * 3


def test_a_message_with_qos_0_is_never_resent(broker: Bench) -> None:
    assert [resent(refused(broker, packet_id=None)) for _ in range(3)] == [False] * 3


def test_a_minute_later_it_is_a_new_message(broker: Bench) -> None:
    refused(broker)
    refused(broker)
    broker.clock.now += 60
    assert not resent(refused(broker))


def test_only_so_many_client_ids_are_remembered() -> None:
    refused_messages, error = RefusedMessages(), BrokenRule("no", mqtt.ReasonCode.NOT_AUTHORIZED)
    message = mqtt.Publish("secret", b"x", 1, False, True, 7)
    for number in range(1_001):
        refused_messages.refusal(str(number), message, error, 0)
    again = [refused_messages.refusal(str(number), message, error, 0) is not error for number in (1_000, 0)]
    assert again == [True, False]
