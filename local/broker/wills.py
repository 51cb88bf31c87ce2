"""Will messages that wait for their Will Delay (MQTT 5.0, section 3.1.3.2.2)."""

from typing import NamedTuple

from local.broker.message import Message


class DelayedWill(NamedTuple):
    """A Will to be published unless its session goes on before."""

    due: float
    """Seconds of the broker's clock."""
    message: Message


class DelayedWills:
    """At most one a client ID."""

    def __init__(self) -> None:
        self._wills: dict[str, DelayedWill] = {}

    def delay(self, client_id: str, due: float, message: Message) -> None:
        """Keeps a Will until it is due."""
        self._wills[client_id] = DelayedWill(due, message)

    def take(self, client_id: str) -> Message | None:
        """Removes a client's Will: its session goes on, which revokes it, or ends, which publishes it."""
        found = self._wills.pop(client_id, None)
        return found.message if found else None

    def take_due(self, now: float) -> list[Message]:
        """Removes all that are due."""
        due = [client_id for client_id, will in self._wills.items() if will.due <= now]
        return [self._wills.pop(client_id).message for client_id in due]
