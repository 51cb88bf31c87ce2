"""Recognizes clients that resend a message for ever.

IoT Core ends the connection of a client that publishes what it must not. A client library then connects again, and
resends what was not acknowledged, the refused message too. So it is refused again, and each time costs a connection and
an invocation of the Lambda. One message made 10 of them in 10 seconds.

A message counts as resent if the same client ID sends the same packet identifier, topic and payload within a minute:
the first time only with its DUP flag, since a user may have run a program twice. MQTT.js never sets the flag, although
MQTT demands it [MQTT-3.3.1-1].
"""

from typing import NamedTuple

from iot_core.broker.limits import BrokenRule
from iot_core.mqtt import Publish, ReasonCode

_WITHIN = 60.0
"""Seconds between two refusals of one message."""
_REMEMBERED = 1_000
"""Client IDs whose refused message is remembered."""


class _Refused(NamedTuple):
    """A refused message, and how often and when it was refused."""

    message: int
    """A hash of its packet identifier, its topic and its payload, which can be long."""
    at: float
    times: int


class RefusedMessages:
    """The last message of each client ID that was refused."""

    def __init__(self) -> None:
        self._last: dict[str, _Refused] = {}

    def refusal(self, client_id: str, packet: Publish, error: BrokenRule, now: float) -> BrokenRule:
        """Remembers a refused message. Returns the error, which says so if the client resends the message.

        `now` is in seconds since 1970.
        """
        times = self._remember(client_id, packet, now)
        if packet.qos == 0 or times < (2 if packet.duplicate else 3):
            return error
        resent = f"the client resends a refused message, sent {times} times: let it give up unacknowledged messages"
        return BrokenRule(f"{error}; {resent} when IoT Core ends its connection", ReasonCode(error.reason_code))

    def _remember(self, client_id: str, packet: Publish, now: float) -> int:
        """How often this message was refused, now included."""
        message = hash((packet.packet_id, packet.topic, packet.payload))
        last = self._last.pop(client_id, None)
        is_same = last is not None and last.message == message and now - last.at < _WITHIN
        times = last.times + 1 if last is not None and is_same else 1
        if len(self._last) >= _REMEMBERED:
            del self._last[next(iter(self._last))]
        self._last[client_id] = _Refused(message, now, times)
        return times
