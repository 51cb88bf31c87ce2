"""The checks: each does one thing with MQTT, and tells in words what IoT Core answers.

A check has no expectation. The same check on this machine says what is expected.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.wire import Endpoint, NotTried, Wire, connect_packet, described
from iot_core.mqtt import Connack, Disconnect, Properties, Publish, Subscribe, Subscription, Version, Will, encode

_V3, _V5 = Version.MQTT_3_1_1, Version.MQTT_5
_TOO_LARGE = 128 * 1024 + 1
_PACKET_ID = 7
_TWO_MINUTES = 120
_BETWEEN_CONNECTS = 1.1
"""Seconds."""


NOT_TRIED = "not tried: "
"""Begins the answer of a check whose question an endpoint cannot be asked."""


class NotConnected(Exception):
    """A client that a check needs is refused. Its text is the answer."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes the clients of one check."""

    endpoint: Endpoint
    check: str
    """The name of the check, which is part of client IDs and topics."""
    version: Version

    def asked(self, name: str = "a") -> str:
        """What a client asks the function for (`answers.py`)."""
        return f"{self.check}-{name}"

    def client_id(self, name: str = "a") -> str:
        """A client ID that the policy allows."""
        return f"{self.endpoint.user}/{self.asked(name)}"

    def topic(self, kind: str = "open") -> str:
        """A topic: `open` takes messages without RETAIN, `kept` also those with it, and `closed` none."""
        return f"conformance/{self.endpoint.user}/{kind}/{self.check}"

    def answer(self, client_id: str, **fields: object) -> str:
        """What a CONNECT is answered, in words. `fields` are those of the packet."""
        with self._connecting(client_id, **fields) as wire:
            return described(wire.read())

    @contextmanager
    def connected(self, name: str = "a", **fields: object) -> Iterator[Wire]:
        """A connected client. Raises NotConnected."""
        with self._connecting(self.client_id(name), **fields) as wire:
            found = wire.read()
            if not isinstance(found, Connack) or found.reason_code:
                raise NotConnected(described(found))
            yield wire

    @contextmanager
    def _connecting(self, client_id: str, **fields: object) -> Iterator[Wire]:
        with Wire(self.endpoint, self.version) as wire:
            wire.send(connect_packet(self.endpoint, self.version, client_id, **fields))
            yield wire


@dataclass(frozen=True, slots=True)
class ConformanceCheck:
    """One check."""

    name: str
    asks: str
    """What it finds out, as a question."""
    run: Callable[[Clients], str]
    """Does it, and tells what happened in words. Raises NotConnected, NotTried, OSError."""
    version: Version = _V5
    seconds: int = 0
    """How long it waits in an account. What waits only runs if it is asked for."""

    def observe(self, endpoint: Endpoint) -> str:
        """What an endpoint does, in words."""
        try:
            return self.run(Clients(endpoint, self.name, self.version))
        except NotTried as reason:
            return f"{NOT_TRIED}{reason}"
        except NotConnected as error:
            return f"a client that the check needs gets {error}"
        except ssl.SSLError as error:
            return f"TLS: {error.reason}"
        except OSError as error:
            return f"no connection: {error}"


Run = Callable[[Clients], str]
"""Does what a check asks, and tells what happened in words."""


def checks_of(
    asked: Mapping[str, tuple[str, Run]], version: Version = _V5, seconds: int = 0
) -> Mapping[str, ConformanceCheck]:
    """Checks by their names, from what each finds out and what it does."""
    return MappingProxyType(
        {name: ConformanceCheck(name, asks, run, version, seconds) for name, (asks, run) in asked.items()}
    )


def subscribe(topic_filter: str, qos: int = 1, *, no_local: bool = False) -> Subscribe:
    """A SUBSCRIBE with one filter."""
    return Subscribe(_PACKET_ID, (Subscription(topic_filter, qos, no_local=no_local),))


def message(topic: str, qos: int = 1, *, retain: bool = False, payload: bytes = b"hello") -> Publish:
    """A PUBLISH."""
    return Publish(topic, payload, qos, retain, packet_id=_PACKET_ID if qos else None)


def _to(clients: Clients, message: Publish | Subscribe) -> str:
    with clients.connected() as wire:
        return wire.answer(message)


def _unknown_authorizer(clients: Clients) -> str:
    unknown = replace(clients.endpoint, authorizer="conformance-no-such-authorizer")
    return replace(clients, endpoint=unknown).answer(clients.client_id())


def _server_properties(clients: Clients) -> str:
    with Wire(clients.endpoint, clients.version) as wire:
        wire.send(connect_packet(clients.endpoint, clients.version, clients.client_id(), keep_alive=5000))
        found = wire.read()
        return _present(found.properties) if isinstance(found, Connack) else described(found)


def _taken_over(clients: Clients) -> str:
    with clients.connected() as first:
        _wait()
        with clients.connected():
            return first.answer()


def _wait() -> None:
    """Waits until a client ID may connect again: once a second (AWS General Reference, message broker quotas)."""
    time.sleep(_BETWEEN_CONNECTS)


def _second_connect(clients: Clients) -> str:
    return _sent(
        clients, encode(connect_packet(clients.endpoint, clients.version, clients.client_id()), clients.version)
    )


def _wildcard(clients: Clients) -> str:
    return _sent(clients, encode(message(f"{clients.topic()}/~"), clients.version).replace(b"~", b"+"))


def _sent(clients: Clients, content: bytes) -> str:
    with clients.connected() as wire:
        wire.send_bytes(content)
        return wire.answer()


def _nine_filters(clients: Clients) -> str:
    filters = (Subscription(f"{clients.topic()}/{number}", 0) for number in range(9))
    return _to(clients, Subscribe(_PACKET_ID, (*filters,)))


def _high_alias(clients: Clients) -> str:
    return _to(clients, Publish(clients.topic(), b"hello", properties=Properties(topic_alias=9)))


def _echo(clients: Clients) -> str:
    with clients.connected() as wire:
        subscribed = wire.answer(subscribe(clients.topic()))
        wire.send(message(clients.topic()))
        return f"{subscribed}, {described(wire.next_of(Publish))}"


def _identifier(clients: Clients) -> str:
    subscriptions = (Subscription(clients.topic(), 1),)
    return _to(clients, Subscribe(_PACKET_ID, subscriptions, Properties(subscription_identifiers=(5,))))


def _no_local(clients: Clients) -> str:
    with clients.connected() as wire:
        wire.answer(subscribe(clients.topic(), no_local=True))
        return wire.answer(message(clients.topic()))


def _retained(clients: Clients) -> str:
    topic = clients.topic("kept")
    with clients.connected() as wire:
        wire.answer(message(topic, retain=True))
        wire.send(subscribe(topic))
        found = described(wire.next_of(Publish))
        wire.answer(message(topic, retain=True, payload=b""))  # Deletes it.
        return found


def _session(clients: Clients) -> str:
    with clients.connected(clean_start=False) as wire:
        wire.answer(subscribe(clients.topic()))
        wire.send(Disconnect())
    with clients.connected("b") as other:
        other.answer(message(clients.topic()))
    _wait()
    with Wire(clients.endpoint, clients.version) as wire:
        wire.send(connect_packet(clients.endpoint, clients.version, clients.client_id(), clean_start=False))
        found = f"{described(wire.read())}, {described(wire.next_of(Publish))}"
    _wait()
    clients.answer(clients.client_id())  # With a clean session, which ends this one.
    return found


def _will(clients: Clients) -> str:
    with clients.connected("b") as other:
        other.answer(subscribe(clients.topic()))
        with clients.connected(will=Will(clients.topic(), b"gone", 1)):
            pass
        return described(other.next_of(Publish))


def _shared(clients: Clients) -> str:
    with clients.connected("b") as one, clients.connected("c") as other, clients.connected() as sender:
        answers = [wire.answer(subscribe(f"$share/group/{clients.topic()}", 0)) for wire in (one, other)]
        for _ in range(4):
            sender.answer(message(clients.topic()))
        found = [wire.answer().count("PUBLISH") for wire in (one, other)]
        return f"{answers[0]}, {sum(found)} of 4 messages to {sum(map(bool, found))} of 2 members"


def _presence(clients: Clients, kind: str) -> str:
    """The fields of the event about another client that connects and breaks its connection."""
    with clients.connected() as wire:
        wire.answer(subscribe(f"$aws/events/presence/{kind}/{clients.client_id('b')}"))
        with clients.connected("b"):
            pass
        found = wire.next_of(Publish)
    if not isinstance(found, Publish):
        return described(found)
    event = json.loads(found.payload)
    return ", ".join([*sorted(event), *filter(None, [event.get("disconnectReason")])])


def _presence_time(clients: Clients) -> str:
    """How wrong the time of an event is, by the clock of this machine."""
    with clients.connected() as wire:
        wire.answer(subscribe(f"$aws/events/presence/connected/{clients.client_id('b')}"))
        before = time.time()
        with clients.connected("b"):
            found = wire.next_of(Publish)
    if not isinstance(found, Publish):
        return described(found)
    wrong = json.loads(found.payload)["timestamp"] / 1000 - before
    return f"{'less' if abs(wrong) < _TWO_MINUTES else 'more'} than two minutes wrong"


def _carried(clients: Clients) -> str:
    told = Properties(
        content_type="text/plain",
        response_topic="x/y",
        correlation_data=b"id",
        message_expiry_interval=100,
        user_properties=(("a", "b"),),
    )
    with clients.connected() as wire:
        wire.answer(subscribe(clients.topic()))
        wire.send(Publish(clients.topic(), b"hello", properties=told))
        found = wire.next_of(Publish)
        return _present(found.properties, with_values=False) if isinstance(found, Publish) else described(found)


def _present(properties: Properties, *, with_values: bool = True) -> str:
    given = {name: value for name, value in sorted(vars(properties).items()) if value not in (None, ())}
    return ", ".join(f"{name}={value}" if with_values else name for name, value in given.items()) or "no properties"


_IN_BOTH: Mapping[str, tuple[str, Callable[[Clients], str]]] = {
    "wrong-password": ("a client with a wrong password", lambda c: c.answer(c.client_id(), password=b"wrong")),
    "no-authorizer": ("a client that names an authorizer that does not exist", _unknown_authorizer),
    "client-id-refused": ("a client ID that the policy does not allow", lambda c: c.answer("conformance-other")),
    "client-id-long": ("a client ID of 129 bytes", lambda c: c.answer("x" * 129)),
    "client-id-empty": ("an empty client ID, if the policy allows none", lambda c: c.answer("")),
    "taken-over": ("a client whose client ID another one takes", _taken_over),
    "second-connect": ("a second CONNECT", _second_connect),
    "subscribe-refused": ("a SUBSCRIBE that is not allowed", lambda c: _to(c, subscribe("conformance/closed"))),
    "subscribe-qos-2": ("a SUBSCRIBE with QoS 2", lambda c: _to(c, subscribe(c.topic(), 2))),
    "publish-allowed": ("a PUBLISH with QoS 1", lambda c: _to(c, message(c.topic()))),
    "publish-refused": ("a PUBLISH that is not allowed", lambda c: _to(c, message(c.topic("closed")))),
    "publish-qos-2": ("a PUBLISH with QoS 2", lambda c: _to(c, message(c.topic(), 2))),
    "retain-refused": ("a RETAIN that is not allowed", lambda c: _to(c, message(c.topic(), retain=True))),
    "publish-slashes": ("a topic with eight slashes", lambda c: _to(c, message(f"{c.topic()}/1/2/3/4/5"))),
    "publish-wildcard": ("a topic with a +", _wildcard),
    "publish-large": (
        "a payload of 128 KB and a byte",
        lambda c: _to(c, message(c.topic(), payload=bytes(_TOO_LARGE))),
    ),
    "echo": ("a client that subscribes to what it publishes", _echo),
}
"""What each gets, by the name of the check: asked with both versions of MQTT."""
_ONCE: dict[str, ConformanceCheck] = {
    each.name: each
    for each in (
        ConformanceCheck(
            "server-properties", "What does CONNACK say to a keep-alive of 5,000 seconds?", _server_properties
        ),
        ConformanceCheck("nine-filters", "What does a SUBSCRIBE with nine topic filters get?", _nine_filters),
        ConformanceCheck("topic-alias", "What does a topic alias of 9 get?", _high_alias),
        ConformanceCheck("no-local", "Does No Local keep a client's own message away?", _no_local),
        ConformanceCheck("retained", "Does a new subscription get a retained message, marked as such?", _retained),
        ConformanceCheck("session", "Does a client that returns get its session and a queued message?", _session, _V3),
        ConformanceCheck("will", "Is a Will published when a connection breaks?", _will),
        ConformanceCheck("shared", "Does each message of a shared subscription arrive once?", _shared),
        ConformanceCheck(
            "subscription-identifier", "What does a SUBSCRIBE with a subscription identifier get?", _identifier
        ),
        ConformanceCheck(
            "presence-connected", "Which fields has the event of a connection?", lambda c: _presence(c, "connected")
        ),
        ConformanceCheck(
            "presence-disconnected", "Which fields has that of a lost one?", lambda c: _presence(c, "disconnected")
        ),
        ConformanceCheck("presence-time", "Is the time of an event right?", _presence_time),
        ConformanceCheck("properties", "Which properties of a message arrive?", _carried),
    )
}
MQTT_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {
        f"{name}-{number}": ConformanceCheck(f"{name}-{number}", f"What does {who} get ({title})?", run, version)
        for name, (who, run) in _IN_BOTH.items()
        for number, title, version in ((3, "MQTT 3.1.1", _V3), (5, "MQTT 5", _V5))
    }
    | _ONCE
)
"""All checks of MQTT by their names."""
