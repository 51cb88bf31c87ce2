"""Direct messages: sent over HTTPS to one connected client (API_iotdata_SendDirectMessage; guide, "Direct messaging").

- The receiver needs no subscription, but its policy must allow iot:Receive. Rules do not get the message.
- It is never queued, stored or retained: a client that is not connected does not get it.
- With confirmation, its QoS is 1, and the sender waits for the PUBACK for at most so many seconds. Without, it is 0.
- A PUBACK that comes too late is taken, but confirms nothing. If the connection ends first, there will be none.
- unmeasured (check direct-overtakes): that a message overtakes those that are queued for a client (assumed, since it is
  not queued itself).
"""

from collections.abc import Callable

from iot_core.broker.delivery import send_direct
from iot_core.broker.message import Message
from iot_core.broker.session import Receipt, Sessions
from iot_core.reasons import IotCoreReason


class NotSent(Exception):
    """A direct message that was not sent."""

    def __init__(self, reason: IotCoreReason) -> None:
        self.reason = reason
        """The reason code."""
        super().__init__(reason)


class DirectMessages:
    """Sends direct messages, and ends their receipts in time."""

    def __init__(self, sessions: Sessions, clock: Callable[[], float]) -> None:
        """`clock` returns seconds since 1970."""
        self._sessions = sessions
        self._clock = clock
        self._waiting: dict[Receipt, float] = {}
        """The time at which each receipt ends, in seconds since 1970."""

    def send(self, client_id: str, message: Message, seconds: float) -> Receipt | None:
        """Sends a message. With QoS 1, returns its receipt, which ends after so many seconds. Raises NotSent."""
        session = self._sessions.get(client_id)
        if session is None or session.link is None:
            raise NotSent(IotCoreReason.RECEIVER_NOT_CONNECTED)
        receipt = Receipt() if message.qos else None
        reason = send_direct(session, session.link, message, receipt)
        if reason is not None:
            raise NotSent(reason)
        if receipt is not None:
            self._waiting[receipt] = self._clock() + seconds
        return receipt

    def end_due(self, now: float) -> None:
        """Ends the receipts whose time is over, and forgets those that have ended. `now` in seconds since 1970."""
        for receipt, until in list(self._waiting.items()):
            if until <= now:
                receipt.end(acknowledged=False)
            if receipt.ended.is_set():
                del self._waiting[receipt]
