"""The interface of all MQTT clients in these tests: they report events, in order and in the library's own words."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

from tests.clients.server import Server

PATIENCE = 60.0
"""Seconds to wait for an event, far more than any takes."""


class Event(NamedTuple):
    """Something that happened to a client."""

    kind: str
    """connected, refused, subscribed, message, ended."""
    words: str = ""
    """The reason in the library's words. For a message: its topic and payload, on two lines."""


class Connection(ABC):
    """One connection of a real client."""

    def __init__(self) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._over = False

    def happened(self, kind: str, words: object = "") -> None:
        """Keep an event, unless the connection has ended."""
        if not self._over:
            self._over = kind in ("refused", "ended")
            self._events.put(Event(kind, str(words)))

    def next(self) -> Event:
        """The next event."""
        return self._events.get(timeout=PATIENCE)

    @abstractmethod
    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""

    @abstractmethod
    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""

    @abstractmethod
    def close(self) -> None:
        """End the connection and the client."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class RealClient:
    """A client library with a protocol version and a transport, and the words in which it reports a reason."""

    name: str
    connect: Callable[[Server, str, str], Connection]
    """Takes the server, a client ID and a token."""
    refused: str
    """Its words for refused credentials."""
    subscription_refused: str
    """Its words for a refused topic filter."""
    forbidden: str
    """Its words for the end of the connection after a forbidden publish."""
    expired: str
    """Its words for the end of the connection after the token has expired."""
