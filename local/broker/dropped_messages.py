"""Messages that did not reach a client."""

from local.broker.presence import Report
from local.broker.session import Session


class DroppedMessages:
    """Counts them, and tells of the first of each session, then of each hundredth."""

    def __init__(self, report: Report) -> None:
        self.count = 0
        """Those that were too many: for a slow client, for one that is away, or from one that publishes too fast."""
        self._report = report

    def add(self, session: Session, reason: str) -> None:
        """A message was not delivered to a session, or not taken from it."""
        self.count += 1
        session.dropped += 1
        if session.dropped % 100 == 1:
            self._report("dropped", client_id=session.client_id, reason=reason, count=session.dropped)
