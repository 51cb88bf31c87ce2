"""The load: as many messages as a broker can take, with so many in flight."""

import select
import time
from collections.abc import Callable, Sequence

from bench.broker.client import PATIENCE, BrokerFailed
from bench.broker.flow import Flow


class Load:
    """Keeps a number of messages in flight, all in the calling thread.

    In flight is what is published, and not yet received by the slowest subscriber or, at QoS 1, not yet acknowledged
    to the publisher. The publisher sends as soon as there is room, and as much as there is room for.
    """

    def __init__(self, flow: Flow, in_flight: int) -> None:
        self._flow = flow
        self._in_flight = in_flight
        self._ready = _readiness(flow)

    def run(self, seconds: float) -> float:
        """Deliveries a second, to all subscribers together, while that time passes. Raises BrokerFailed."""
        flow, publisher = self._flow, self._flow.publisher
        before, started = flow.deliveries, time.perf_counter()
        now, end = started, started + seconds
        while now < end:
            room = self._in_flight - publisher.sent + flow.finished
            if room:
                publisher.send(room)
            for read in self._ready():
                read()
            now = time.perf_counter()
        return (flow.deliveries - before) / (now - started)

    def drain(self) -> None:
        """Waits until nothing is in flight. Raises BrokerFailed where something was lost."""
        while self._flow.finished < self._flow.publisher.sent:
            for read in self._ready():
                read()


Reads = Sequence[Callable[[], None]]


def _readiness(flow: Flow) -> Callable[[], Reads]:
    """Waits for what can be read, and gives the reads. Where there is one end only, its read waits: a call less."""
    ends = flow.ends
    only = [ends[0].read]
    if len(ends) == 1:
        return lambda: only
    reads = {end.connection.fileno(): end.read for end in ends}
    poll = select.epoll(len(ends))
    for descriptor in reads:
        poll.register(descriptor, select.EPOLLIN)

    def ready() -> Reads:
        found = poll.poll(PATIENCE)
        if not found:
            raise BrokerFailed(f"nothing for {PATIENCE} s")
        return [reads[descriptor] for descriptor, _ in found]

    return ready
