"""The checks of direct messages: what the sender is answered, and what arrives.

The client `a` sends over HTTPS, and `b` receives by MQTT. The function gives both the policy of the check.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.https import HttpsAnswer, HttpsConnection
from iot_authorizer_cli.commands.conformance.wire import Wire, described
from iot_core.mqtt import Disconnect, Packet, Properties, Puback, Publish

_LONGEST = 15
"""Seconds to wait for a confirmation (API_iotdata_SendDirectMessage)."""


def _send(
    clients: Clients, body: bytes = b"hello", query: Mapping[str, str] | None = None, receiver: str = "b"
) -> HttpsAnswer:
    """Sends a direct message to the receiver, on the check's topic unless the query says another one."""
    path = f"/connections/{quote(clients.client_id(receiver), safe='')}/messages"
    with HttpsConnection(clients, patience=_LONGEST + clients.endpoint.patience) as connection:
        return connection.ask("POST", path, {"topic": clients.topic(), **(query or {})}, body)


@contextmanager
def _while_sent(clients: Clients, **query: str) -> Iterator[Future[HttpsAnswer]]:
    """Sends a direct message in the background, and waits for its answer at the end."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_send, clients, query=query)


def _status(body: bytes = b"hello", **query: str) -> Run:
    """The status, if the receiver is connected."""

    def run(clients: Clients) -> str:
        with clients.connected("b"):
            return str(_send(clients, body, query).status)

    return run


def _arrives(clients: Clients) -> str:
    with clients.connected("b") as receiver:
        return f"{_send(clients).status}, {described(receiver.next_of(Publish))}"


def _confirmed(clients: Clients) -> str:
    with clients.connected("b") as receiver, _while_sent(clients, confirmation="true") as sent:
        found = receiver.next_of(Publish)
        if isinstance(found, Publish) and found.packet_id is not None:
            receiver.send(Puback(found.packet_id))
        return f"{sent.result().status}, {described(found)}"


def _unacknowledged(clients: Clients) -> str:
    return _status(confirmation="true", timeout="1")(clients)


def _gone(clients: Clients) -> str:
    """The receiver breaks its connection before it acknowledges."""
    started = time.monotonic()
    with ExitStack() as stack:
        receiver = stack.enter_context(clients.connected("b"))
        with _while_sent(clients, confirmation="true", timeout=str(_LONGEST)) as sent:
            receiver.next_of(Publish)
            stack.close()
            status = sent.result().status
    return f"{status} {'at once' if time.monotonic() - started < _LONGEST / 2 else 'after the time-out'}"


def _offline(tell: Callable[[HttpsAnswer], str]) -> Run:
    return lambda clients: tell(_send(clients))


def _with_session(clients: Clients) -> str:
    with clients.connected("b", clean_start=False, properties=Properties(session_expiry_interval=60)) as receiver:
        receiver.send(Disconnect())
        receiver.read()
    answer = _send(clients)
    return f"{answer.status}: {answer.message}"


def _refused(clients: Clients) -> str:
    with clients.connected("b"):
        connected = _send(clients).status
    return f"{connected}, {_send(clients, receiver='c').status}"


def _topics(clients: Clients) -> str:
    with clients.connected("b"):
        topics = (f"{clients.topic()}/{rest}" for rest in ("x/z", "x/y/z", "x"))
        return ", ".join(str(_send(clients, query={"topic": topic}).status) for topic in topics)


def _takes_less(clients: Clients) -> str:
    with clients.connected("b", properties=Properties(maximum_packet_size=200)):
        return str(_send(clients, bytes(400)).status)


def _overtakes(clients: Clients) -> str:
    """The receiver takes one unacknowledged message at a time, so that a second one waits."""
    with clients.connected("b", properties=Properties(receive_maximum=1)) as receiver, clients.connected() as sender:
        receiver.answer(subscribe(clients.topic()))
        for payload in (b"first", b"queued"):
            sender.answer(message(clients.topic(), payload=payload))
        status = _send(clients, b"direct").status
        return f"{status}, {', '.join(_payloads(receiver))}"


def _payloads(receiver: Wire) -> Iterator[str]:
    """The payloads of three messages. Each is acknowledged when it comes."""
    for _ in range(3):
        found: Packet | str = receiver.next_of(Publish)
        if not isinstance(found, Publish):
            yield described(found)
            return
        yield found.payload.decode()
        if found.packet_id is not None:
            receiver.send(Puback(found.packet_id))


_ASKED: Mapping[str, tuple[str, Run]] = {
    "direct-arrives": ("Does a direct message arrive without a subscription, and with which QoS?", _arrives),
    "direct-confirmed": ("What if its confirmation is asked for, and comes?", _confirmed),
    "direct-unacknowledged": ("What if the receiver does not acknowledge it in time?", _unacknowledged),
    "direct-gone": ("What if the receiver disconnects before it acknowledges it?", _gone),
    "direct-offline": ("What if no client has this client ID?", _offline(lambda answer: str(answer.status))),
    "direct-text": ("What does the error say then?", _offline(lambda answer: answer.message)),
    "direct-session": ("What if the receiver has only a persistent session?", _with_session),
    "direct-refused": ("What if the policy does not allow it, with the receiver connected and not?", _refused),
    "direct-receive-refused": ("What if the receiver may not receive the topic?", _status()),
    "direct-topic": ("Which topics match a * in iot:Topic, and what do others get?", _topics),
    "direct-large": ("What if its payload has 128 KB and a byte?", _status(bytes(128 * 1024 + 1))),
    "direct-takes-less": ("What if it is larger than its receiver takes?", _takes_less),
    "direct-reserved": ("What if its topic begins with $?", _status(topic="$aws/conformance")),
    "direct-wildcard": ("What if its topic has a +?", _status(topic="conformance/+")),
    "direct-no-topic": ("What if it has no topic?", _status(topic="")),
    "direct-timeout": ("What if the time-out is 16 seconds?", _status(confirmation="true", timeout="16")),
    "direct-overtakes": ("Does it arrive before a message that is queued for its receiver?", _overtakes),
}
DIRECT_MESSAGE_CHECKS = checks_of(_ASKED)
"""All checks of direct messages by their names."""
