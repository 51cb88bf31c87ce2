"""Connects a second, with an RS256 token of its own each."""

import socket
import statistics
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack

from bench.bounds import Bounds
from bench.broker import client, packets
from bench.broker.brokers import IotAuthorizer, brokers
from bench.broker.credentials import Credentials
from bench.broker.table import show

ROUNDS = 5
CONNECTS = 1000
AT_ONCE = 32
_LEAST = 2500


def measure(address: client.Address, connects: Sequence[bytes]) -> float:
    """CONNECT, CONNACK, DISCONNECT and the connection's end, so many a second. Raises BrokerFailed.

    `AT_ONCE` connections wait for their CONNACK at any time: the oldest is read, and a new one takes its place.
    """
    waiting: deque[socket.socket] = deque()
    started = time.perf_counter()
    for connect in connects:
        if len(waiting) == AT_ONCE:
            _finish(waiting.popleft())
        connection = client.dial(address)
        waiting.append(connection)
        connection.sendall(connect)
    while waiting:
        _finish(waiting.popleft())
    return len(connects) / (time.perf_counter() - started)


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints the medians. The tokens are signed beforehand, and no token is used twice with one broker."""
    rounds = [[credentials.connect(f"client-{turn}-{number}") for number in range(CONNECTS)] for turn in range(ROUNDS)]
    with ExitStack() as stack:
        targets = [stack.enter_context(broker) for broker in brokers(credentials)]
        rates = [[measure(target.address, connects) for target in targets] for connects in rounds]
    rows = [["", "connects/s", ""]]
    for target, found in zip(targets, zip(*rates, strict=True), strict=True):
        rate = statistics.median(found)
        remark = "(verifies no token)"
        if isinstance(target, IotAuthorizer):
            remark = bounds.at_least("broker: connects a second", rate, bounds.rate(_LEAST))
        rows.append([target.name, f"{rate:,.0f}", remark])
    show(f"connects a second, an RS256 token each, {AT_ONCE} at once, median of {ROUNDS} rounds of {CONNECTS:,}", rows)


def _finish(connection: socket.socket) -> None:
    with connection:
        client.expect(connection, packets.CONNACK_ACCEPTED)
        connection.sendall(packets.DISCONNECT)
