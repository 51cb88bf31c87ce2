"""Latency: from before a message is sent until it is read by its subscriber, at 200 messages a second."""

import select
import statistics
import time
from collections import defaultdict
from contextlib import ExitStack

from bench.bounds import Bounds
from bench.broker.brokers import IotAuthorizer, brokers
from bench.broker.client import PATIENCE, BrokerFailed
from bench.broker.credentials import Credentials
from bench.broker.flow import Flow, open_flow
from bench.broker.table import show

RATE = 200
ROUNDS = 3
SECONDS = 2
_P99 = 5
"""Milliseconds that 99 of 100 messages may take."""


def measure(flow: Flow) -> list[float]:
    """Milliseconds of each message, in order. Raises BrokerFailed.

    Messages are sent when they are due, whether or not earlier ones have arrived: one late message then can't hide that
    others would have been late too.
    """
    subscriber, publisher = flow.subscribers[0], flow.publisher
    sent: list[float] = []
    times: list[float] = []
    started = time.perf_counter()
    while len(times) < RATE * SECONDS:
        due = started + (len(sent) / RATE if len(sent) < RATE * SECONDS else SECONDS + PATIENCE)
        readable, _, _ = select.select([end.connection for end in flow.ends], [], [], max(0, due - time.perf_counter()))
        if subscriber.connection in readable:
            subscriber.read()
            now = time.perf_counter()
            times.extend((now - at) * 1000 for at in sent[len(times) : subscriber.received])
        if publisher.connection in readable:
            publisher.read()
        if time.perf_counter() >= due:
            if len(sent) == RATE * SECONDS:
                raise BrokerFailed(f"nothing for {PATIENCE} s")
            sent.append(time.perf_counter())
            publisher.send(1)
    return times


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints median and 99th percentile over all rounds. Mosquitto has TCP_NODELAY set, its better setting here."""
    times: dict[tuple[int, str], list[float]] = defaultdict(list)
    with ExitStack() as stack:
        targets = [stack.enter_context(broker) for broker in brokers(credentials, mosquitto_no_delay=True)]
        for qos, _, target in ((qos, turn, target) for qos in (0, 1) for turn in range(ROUNDS) for target in targets):
            with open_flow(target, credentials, qos) as flow:
                times[qos, target.name] += measure(flow)
    rows = [["", "median", "p99", "longest", ""]]
    for (qos, name), found in times.items():
        p99 = statistics.quantiles(found, n=100)[98]
        figures = [f"{figure:.2f} ms" for figure in (statistics.median(found), p99, max(found))]
        ours = name == IotAuthorizer.name
        bound = bounds.at_most(f"broker: p99 of latency, QoS {qos}, ms", p99, bounds.time(_P99)) if ours else ""
        rows.append([f"QoS {qos}  {name}", *figures, f"p99 {bound}" if ours else ""])
    show(f"latency at {RATE} messages a second, one to one, {ROUNDS} times {SECONDS} s in turns", rows)
