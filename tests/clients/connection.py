"""What tests see of any MQTT client: what it was told, in its own words and in order."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import NamedTuple, Self

from tests.clients.server import Server

PATIENCE = 20.0
"""Seconds within which something must happen; it takes a fraction of one."""


class Event(NamedTuple):
    """Something that happened to a client."""

    kind: str
    """connected, refused, subscribed, message, ended."""
    words: str = ""
    """Why, as the client says it; for a message, its topic and payload, a line each."""


class Connection(ABC):
    """One connection of a real client."""

    def __init__(self) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._over = False

    def happened(self, kind: str, words: object = "") -> None:
        """Keeps an event; of what comes after the end, nothing."""
        if not self._over:
            self._over = kind in ("refused", "ended")
            self._events.put(Event(kind, str(words)))

    def next(self) -> Event:
        """The next event."""
        return self._events.get(timeout=PATIENCE)

    @abstractmethod
    def subscribe(self, topic_filter: str) -> None:
        """Subscribes with QoS 1."""

    @abstractmethod
    def publish(self, topic: str, payload: str) -> None:
        """Publishes with QoS 1."""

    @abstractmethod
    def close(self) -> None:
        """Ends the connection and the client."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class RealClient:
    """A client library, a protocol version and a way to the server, and how the client words what it is told."""

    name: str
    connect: Callable[[Server, str, str], Connection]
    """Takes the server, a client ID and a token."""
    refused: str
    """What it says of credentials that are refused,"""
    subscription_refused: str
    """of a topic filter that is,"""
    forbidden: str
    """of a connection that ends for a forbidden publish,"""
    expired: str
    """and for a token that has expired."""
