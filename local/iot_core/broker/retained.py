"""Retained messages: one for a topic, until another or an empty one replaces it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from iot_core.broker.limits import Limits
from iot_core.broker.message import Message
from iot_core.broker.storage import Storage


class Retained(NamedTuple):
    """A retained message."""

    message: Message
    modified_ms: int
    """When it was published, in ms since 1970."""


class RetainedMessages:
    """All retained messages, by topic."""

    def __init__(self, storage: Storage, limits: Limits, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._limits = limits
        self._clock = clock
        self._messages = {message.topic: Retained(message, modified) for message, modified in storage.retained()}

    def has_room(self, topic: str, payload: bytes) -> bool:
        """Whether a message can be kept, or needs no room: an empty one, or a topic's next."""
        return not payload or topic in self._messages or len(self._messages) < self._limits.retained_messages

    def keep(self, message: Message) -> bool:
        """Keeps a message, or forgets its topic's where it is empty. False where there are too many."""
        topic = message.topic
        if not message.payload:
            self._forget(topic)
            return True
        if not self.has_room(topic, message.payload):
            return False
        retained = Retained(message, round(self._clock() * 1000))
        self._messages[topic] = retained
        self._storage.retain(*retained)
        return True

    def get(self, topic: str) -> Retained | None:
        """The message of a topic, unless it is expired."""
        found = self._messages.get(topic)
        if found is not None and found.message.is_expired(self._clock()):
            self._forget(topic)
            return None
        return found

    def items(self) -> Iterator[Retained]:
        """All of them that are not expired, in the order of their topics."""
        for topic in sorted(self._messages):
            if (found := self.get(topic)) is not None:
                yield found

    def forget_expired(self) -> None:
        """Makes room."""
        now = self._clock()
        for topic in [topic for topic, retained in self._messages.items() if retained.message.is_expired(now)]:
            self._forget(topic)

    def _forget(self, topic: str) -> None:
        if self._messages.pop(topic, None) is not None:
            self._storage.forget_retained(topic)
