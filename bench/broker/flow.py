"""A flow of messages: one publisher, and subscribers that count what they get.

It must not be what is measured. So packets are encoded beforehand and are all of one size: many are sent as one slice,
many that come are compared in one go, and acknowledged by slicing their packet IDs out at a fixed stride. What runs is
a few system calls a turn, however many messages the turn carries.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from bench.broker import client, packets
from bench.broker.credentials import PUBLISHER, TOPIC, Credentials
from bench.broker.messages import messages

_READ = 1 << 18
_numbers = count()
"""No client ID comes twice."""


class Target(Protocol):
    """A broker that runs."""

    @property
    def address(self) -> client.Address: ...
    @property
    def pid(self) -> int: ...


class Publisher:
    """Publishes to one topic over an MQTT connection."""

    def __init__(self, connection: socket.socket, qos: int) -> None:
        self.connection = connection
        self.sent = 0
        self._qos = qos
        self._acknowledged = 0
        self._messages = messages(qos)
        self._view = memoryview(bytearray(_READ))

    @property
    def acknowledged(self) -> int:
        """How many messages are acknowledged: at QoS 0, all that were sent."""
        return self._acknowledged // len(packets.PUBACK) if self._qos else self.sent

    def send(self, number: int) -> None:
        """Publishes that many messages, at most `MOST_IN_FLIGHT`, in one call."""
        self.connection.sendall(self._messages.sent(self.sent, number))
        self.sent += number

    def read(self) -> None:
        """Takes what acknowledgements have come, and waits for some. Raises BrokerFailed."""
        self._acknowledged += client.receive_into(self.connection, self._view)


class Subscriber:
    """Counts the messages that come over an MQTT connection, and acknowledges them at QoS 1.

    Each must be the next one that was published, to the last byte.
    """

    def __init__(self, connection: socket.socket, qos: int) -> None:
        self.connection = connection
        self.received = 0
        self._qos = qos
        self._messages = messages(qos)
        self._buffer = bytearray(_READ)
        self._view = memoryview(self._buffer)
        self._rest = 0

    def read(self) -> None:
        """Takes what messages have come, and waits for some. Raises BrokerFailed, also where another one came."""
        filled = self._rest + client.receive_into(self.connection, self._view[self._rest :])
        number, self._rest = divmod(filled, self._messages.size)
        whole = filled - self._rest
        if self._qos and number:
            self._acknowledge(number, whole)
        if self._view[:whole] != self._messages.received(self.received, number):
            raise client.BrokerFailed("a subscriber got something else than the next message")
        self._buffer[: self._rest] = self._buffer[whole:filled]
        self.received += number

    def _acknowledge(self, number: int, whole: int) -> None:
        acknowledgements = bytearray(packets.PUBACK * number)
        zeros = bytes(number)
        for byte in (0, 1):
            place = slice(self._messages.packet_id + byte, whole, self._messages.size)
            acknowledgements[2 + byte :: 4] = self._buffer[place]
            self._buffer[place] = zeros
        self.connection.sendall(acknowledgements)


@dataclass(frozen=True, slots=True)
class Flow:
    """One publisher, and its subscribers."""

    publisher: Publisher
    subscribers: Sequence[Subscriber]
    qos: int

    @property
    def ends(self) -> list[Publisher | Subscriber]:
        """Those to whom the broker sends something."""
        return [*self.subscribers, self.publisher] if self.qos else list(self.subscribers)

    @property
    def finished(self) -> int:
        """How many messages are acknowledged and have reached the slowest subscriber."""
        return min(self.publisher.acknowledged, *[subscriber.received for subscriber in self.subscribers])

    @property
    def deliveries(self) -> int:
        """How many messages came, to all subscribers together."""
        return sum(subscriber.received for subscriber in self.subscribers)


@contextmanager
def open_flow(target: Target, credentials: Credentials, qos: int, subscribers: int = 1) -> Iterator[Flow]:
    """A flow over connections of its own, each subscribed to the one topic by its name. Raises BrokerFailed."""
    with ExitStack() as stack:
        publisher, *others = [
            stack.enter_context(client.open_connection(target.address, credentials.connect(_client_id())))
            for _ in range(subscribers + 1)
        ]
        for connection in others:
            client.subscribe(connection, [TOPIC], qos)
        yield Flow(Publisher(publisher, qos), [Subscriber(connection, qos) for connection in others], qos)


def _client_id() -> str:
    return f"{PUBLISHER}/{next(_numbers)}"
