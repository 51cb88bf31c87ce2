"""What 5,000 subscriptions of others cost: 100 idle connections with 50 each, as many as AWS IoT Core allows."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.bounds import Bounds
from bench.broker import client
from bench.broker.brokers import IotAuthorizer, brokers
from bench.broker.credentials import Credentials
from bench.broker.flow import Target
from bench.broker.messages import MOST_IN_FLIGHT
from bench.broker.table import show
from bench.broker.throughput import Figure, Scenario, measure

ROUNDS = 5
CONNECTIONS = 100
SCENARIOS = [Scenario(qos, 1, MOST_IN_FLIGHT) for qos in (0, 1)]
_RATIO = 0.8
"""The least share of the rate that must be left."""


def topic_filters(principal: str) -> list[str]:
    """50 that the template allows, none of which matches what is published; most are near it in the topic tree."""
    return [
        *(f"rooms/lobby/say/{principal}-{number}" for number in range(20)),
        *(f"rooms/lobby/+/{principal}-{number}" for number in range(10)),
        *(f"rooms/attic/{number}/{principal}/#" for number in range(10)),
        *(f"users/{principal}/inbox/{number}" for number in range(10)),
    ]


@contextmanager
def idle_connections(target: Target, credentials: Credentials) -> Iterator[None]:
    """Keeps those connections open, each of a principal of its own."""
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            principal = f"idle-{number}"
            connection = client.open_connection(target.address, credentials.connect(principal))
            client.subscribe(stack.enter_context(connection), topic_filters(principal), 1)
        yield


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints the rates without and with them, and the median of the rounds' ratios."""
    rows = [["", "without", "with", "ratio", ""]]
    for broker in brokers(credentials):
        with broker as target:
            rounds = [_round(target, credentials) for _ in range(ROUNDS)]
        for scenario, pairs in zip(SCENARIOS, zip(*rounds, strict=True), strict=True):
            without, beside = (statistics.median(pair[side].rate for pair in pairs) for side in (0, 1))
            ratio = statistics.median(beside.rate / without.rate for without, beside in pairs)
            ours = isinstance(broker, IotAuthorizer)
            bound = bounds.at_least(f"broker: {scenario}, with idle connections", ratio, _RATIO) if ours else ""
            rows.append([f"{scenario}  {broker.name}", f"{without:,.0f}", f"{beside:,.0f}", f"{ratio:.2f}", bound])
    others = f"{CONNECTIONS} idle connections with {len(topic_filters(''))} subscriptions each"
    show(f"deliveries a second without and with {others}, median of {ROUNDS} rounds in turns", rows)


def _round(target: Target, credentials: Credentials) -> list[tuple[Figure, Figure]]:
    without = [measure(target, credentials, scenario) for scenario in SCENARIOS]
    with idle_connections(target, credentials):
        beside = [measure(target, credentials, scenario) for scenario in SCENARIOS]
    return list(zip(without, beside, strict=True))
