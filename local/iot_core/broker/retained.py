"""Retained messages: at most one for each topic.

The rules (MQTT 5.0, section 3.3.1.3; developer guide, "MQTT retained messages"):
- A message with RETAIN replaces the topic's retained message. One without a payload deletes it.
- If the account holds its maximum of retained messages, a message to another topic is not retained.
- An expired message is deleted.

The topics are kept in their order: to sort them for each page of a list would hold all clients up.
"""

from bisect import bisect_left, bisect_right, insort
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
    """All retained messages."""

    def __init__(self, storage: Storage, limits: Limits, clock: Callable[[], float]) -> None:
        """Loads the messages from the storage. `clock` returns seconds since 1970. Raises StorageError."""
        self._storage = storage
        self._limits = limits
        self._clock = clock
        self._messages = {message.topic: Retained(message, modified) for message, modified in storage.retained()}
        self._topics = sorted(self._messages)

    def has_room(self, topic: str, payload: bytes) -> bool:
        """Whether a message can be retained. An empty one and one that replaces another always can."""
        return not payload or topic in self._messages or len(self._messages) < self._limits.retained_messages

    def keep(self, message: Message) -> bool:
        """Retains a message, or deletes its topic's retained message if it is empty. False if there is no room."""
        topic = message.topic
        if not message.payload:
            self._delete(topic)
            return True
        if not self.has_room(topic, message.payload):
            return False
        retained = Retained(message, round(self._clock() * 1000))
        if topic not in self._messages:
            insort(self._topics, topic)
        self._messages[topic] = retained
        self._storage.retain(*retained)
        return True

    def get(self, topic: str) -> Retained | None:
        """Returns the retained message of a topic, or None."""
        found = self._messages.get(topic)
        if found is not None and found.message.is_expired(self._clock()):
            self._delete(topic)
            return None
        return found

    def __len__(self) -> int:
        """How many there are; some may have expired."""
        return len(self._messages)

    def items(self, after: str = "") -> Iterator[Retained]:
        """Iterates over the retained messages in the order of their topics, from the first topic after `after`."""
        while (position := bisect_right(self._topics, after)) < len(self._topics):
            after = self._topics[position]
            if (found := self.get(after)) is not None:
                yield found

    def delete_expired(self) -> None:
        """Deletes expired messages, to make room."""
        now = self._clock()
        for topic in [topic for topic, retained in self._messages.items() if retained.message.is_expired(now)]:
            self._delete(topic)

    def _delete(self, topic: str) -> None:
        if self._messages.pop(topic, None) is not None:
            del self._topics[bisect_left(self._topics, topic)]
            self._storage.forget_retained(topic)
