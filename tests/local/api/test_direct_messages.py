"""SendDirectMessage: with boto3 as the account's owner, and with a custom authorizer."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import quote

import pytest

from iot_core.mqtt import Publish
from iot_core.reasons import IotCoreReason
from tests.local.api.conftest import Answer, Aws, Boto, Send, refused
from tests.local.api.core import Core
from tests.local.api.server import Service
from tests.local.api.test_http_authorization import ANN
from tests.local.api.test_publish import OWNER
from tests.local.broker.peer import Peer

PUMP, TOPIC = "site/pump 7", "devices/7/reboot"
PATH = f"/connections/{quote(PUMP, safe='')}/messages"


def pump(service: Service, expiry: int = 0) -> Peer:
    """A connected client without subscriptions."""
    return service.do(lambda core: core.listen(PUMP, expiry=expiry))


def sent(peer: Peer, service: Service) -> list[Publish]:
    return service.do(lambda _: peer.received())


def last_record(service: Service) -> Mapping[str, object]:
    return service.do(lambda core: list(core.feed.recent())[-1])


def confirmed(send: Send, timeout: str = "") -> Future[Answer]:
    """Sends with confirmation from another thread, since the answer waits. Boto3 would send again after a 504."""
    pool = ThreadPoolExecutor(1)
    waiting = pool.submit(send, "POST", f"{PATH}?topic={TOPIC}&confirmation=true{timeout}", b"now", OWNER)
    pool.shutdown(wait=False)
    return waiting


def arrived(peer: Peer, service: Service) -> Publish:
    """The message, once it has arrived."""
    until = time.monotonic() + 5
    while not (messages := sent(peer, service)):
        assert time.monotonic() < until
    return messages[0]


def test_a_message_reaches_a_client_without_subscriptions_and_nobody_else(data: Boto, service: Service) -> None:
    peer, other = pump(service), service.do(lambda core: core.listen("listener", "#"))
    answer = data("send_direct_message", clientId=PUMP, topic=TOPIC, payload=b"now", contentType="text/plain")
    assert (answer["message"], len(answer["traceId"])) == ("OK", 36)
    (message,) = sent(peer, service)
    assert (message.topic, message.payload, message.qos, message.retain) == (TOPIC, b"now", 0, False)
    assert message.properties.content_type == "text/plain"
    assert sent(other, service) == []


def test_with_confirmation_the_answer_waits_for_the_acknowledgement(send: Send, service: Service) -> None:
    peer = pump(service)
    waiting = confirmed(send)
    message = arrived(peer, service)
    assert (message.qos, waiting.done()) == (1, False)
    service.do(lambda _: peer.acknowledge(message))
    assert waiting.result(5).json["message"] == "OK"


@pytest.mark.parametrize(("timeout", "seconds"), [("", 5), ("&timeout=15", 15), ("&timeout=1", 1)])
def test_without_an_acknowledgement_in_time_the_answer_is_504(
    send: Send, service: Service, timeout: str, seconds: int
) -> None:
    peer = pump(service)
    waiting = confirmed(send, timeout)
    message = arrived(peer, service)
    _pass(service, seconds - 0.1)
    assert not waiting.done()
    _pass(service, 0.2)
    assert waiting.result(5).error == (504, "GatewayTimeoutException")
    assert last_record(service)["reason"] == IotCoreReason.NOT_ACKNOWLEDGED
    service.do(lambda _: peer.acknowledge(message))
    assert sent(peer, service) == []


def _pass(service: Service, seconds: float) -> None:
    def later(core: Core) -> None:
        core.clock.now += seconds
        core.check_time()

    service.do(later)


def test_a_receiver_that_disconnects_ends_the_wait_and_never_gets_the_message_again(
    send: Send, service: Service
) -> None:
    peer = pump(service, expiry=600)
    waiting = confirmed(send)
    arrived(peer, service)
    service.do(lambda _: peer.lose())
    assert waiting.result(5).error == (504, "GatewayTimeoutException")
    service.core.clock.now += 2
    assert sent(service.do(lambda core: core.listen(PUMP, expiry=600, resumes=True)), service) == []


@pytest.mark.parametrize(
    ("had_session", "text"),
    [
        (True, "The target client ID is not connected, but it has an active persistent session"),
        (False, "The target client ID is not connected"),
    ],
)
def test_a_client_that_is_not_connected_is_not_found(
    data: Boto, service: Service, had_session: bool, text: str
) -> None:
    peer = pump(service, expiry=600 * had_session)
    service.do(lambda _: peer.lose())
    with refused("ResourceNotFoundException", 404) as refusal:
        data("send_direct_message", clientId=PUMP, topic=TOPIC)
    assert refusal.message == text
    assert last_record(service)["reason"] == IotCoreReason.RECEIVER_NOT_CONNECTED


def test_a_receiver_whose_policy_lacks_receive_refuses_the_sender(data: Boto, service: Service) -> None:
    peer = pump(service)
    peer.policy.deny("Receive", TOPIC)
    with refused("ForbiddenException", 403):
        data("send_direct_message", clientId=PUMP, topic=TOPIC)
    assert sent(peer, service) == []


def _busy(peer: Peer) -> None:
    peer.client.link.receive_maximum = 0


def _slow(peer: Peer) -> None:
    peer.wire.slow = True


def _small(peer: Peer) -> None:
    peer.client.link.maximum_packet_size = 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "confirmation", "error"),
    [
        (_busy, True, ("ThrottlingException", 429)),
        (_slow, False, ("ThrottlingException", 429)),
        (_small, False, ("RequestEntityTooLargeException", 413)),
    ],
)
def test_what_the_receiver_cannot_take_now_is_refused_and_not_queued(
    data: Boto, service: Service, state: Callable[[Peer], None], confirmation: bool, error: tuple[str, int]
) -> None:
    peer = pump(service)
    service.do(lambda _: state(peer))
    with refused(*error):
        data("send_direct_message", clientId=PUMP, topic=TOPIC, confirmation=confirmation)
    assert (sent(peer, service), len(peer.client.session.queue.deliveries)) == ([], 0)


def test_the_answer_does_not_call_a_payload_too_large_that_only_its_receiver_does_not_take(
    send: Send, service: Service
) -> None:
    peer = pump(service)
    service.do(lambda _: _small(peer))
    answer = send("POST", f"{PATH}?topic={TOPIC}", b"now", OWNER)
    assert answer.json["message"] == "The message is larger than the target client takes"


def test_a_payload_over_the_limit_is_refused(data: Boto, service: Service) -> None:
    pump(service)
    with refused("RequestEntityTooLargeException", 413):
        data("send_direct_message", clientId=PUMP, topic=TOPIC, payload=b"x" * (128 * 1024 + 1))


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("", "topic"),
        ("topic=$aws/things/x/shadow/update", "topic"),
        ("topic=a/%2B", "topic"),
        ("topic=a&confirmation=yes", "confirmation"),
        ("topic=a&confirmation=true&timeout=0", "timeout"),
        ("topic=a&confirmation=true&timeout=16", "timeout"),
        ("topic=a&responseTopic=%23", "responseTopic"),
    ],
)
def test_a_wrong_parameter_is_named(send: Send, service: Service, query: str, member: str) -> None:
    pump(service)
    answer = send("POST", f"{PATH}?{query}", headers=OWNER)
    assert answer.error == (400, "InvalidRequestException")
    assert f"'{member}'" in answer.json["message"]


def test_a_timeout_without_confirmation_is_ignored(send: Send, service: Service) -> None:
    pump(service)
    assert send("POST", f"{PATH}?topic={TOPIC}&timeout=99", headers=OWNER).status == 200


def by_ann(send: Send, client_id: str, topic: str, headers: Mapping[str, str] = ANN) -> Answer:
    return send("POST", f"/connections/{quote(client_id, safe='')}/messages?topic={topic}", b"x", headers)


@pytest.mark.parametrize(
    ("client_id", "topic", "status"), [(PUMP, TOPIC, 200), (PUMP, "devices/8/reboot", 403), ("pump 8", TOPIC, 403)]
)
def test_a_custom_authorizer_allows_what_its_policy_says_of_client_and_topic(
    send: Send, service: Service, client_id: str, topic: str, status: int
) -> None:
    pump(service)
    service.do(lambda core: core.listen("pump 8"))
    assert by_ann(send, client_id, topic).status == status
    record = last_record(service)
    assert record["action"] == "http_send"
    assert record["resource"] == f"{client_id}\t{topic}"
    assert record["explanation"] == [f"because of send {client_id}\t{topic}"]


def test_without_credentials_nothing_is_sent(send: Send, service: Service) -> None:
    peer = pump(service)
    assert by_ann(send, PUMP, TOPIC, {}).error == (401, "UnauthorizedException")
    assert sent(peer, service) == []


@pytest.mark.slow
def test_the_aws_cli_sends_a_message(aws: Aws, service: Service) -> None:
    peer = pump(service)
    done = aws("iot-data", "send-direct-message", "--client-id", PUMP, "--topic", TOPIC)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["message"] == "OK"
    assert [message.topic for message in sent(peer, service)] == [TOPIC]
