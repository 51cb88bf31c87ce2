"""Messages that did not reach a client."""

from iot_core.broker.presence import Report
from iot_core.broker.session import Session
from iot_core.reasons import IotCoreReason


class DroppedMessages:
    """Tells of them, and counts those of each session."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def add(self, session: Session, reason: IotCoreReason) -> None:
        """A message was not delivered to a session, or not taken from it: the first is told of, then each hundredth."""
        session.dropped += 1
        if session.dropped % 100 == 1:
            self._report("dropped", client_id=session.client_id, reason=reason, count=session.dropped)

    def add_will(self, session: Session, reason: IotCoreReason, detail: str = "") -> None:
        """A Will was not published: told of each time, as there is one at most for each connection."""
        self._report("dropped", client_id=session.client_id, reason=reason, detail=detail or None, count=1)

    def add_session(self, session: Session, reason: IotCoreReason) -> None:
        """A session ended before its time, with what waited for it: told of each time."""
        self._report("dropped", client_id=session.client_id, reason=reason, count=len(session.queue.deliveries))

    def add_retained(self, reason: IotCoreReason) -> None:
        """A message was delivered, and not retained."""
        self._report("dropped", reason=reason, count=1)
