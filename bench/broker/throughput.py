"""Messages a second: QoS 0 and 1, to one subscriber and to twenty, with 200 in flight and with one."""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.bounds import Bounds
from bench.broker.brokers import brokers
from bench.broker.credentials import Credentials
from bench.broker.flow import Target, open_flow
from bench.broker.load import Load
from bench.broker.messages import MOST_IN_FLIGHT
from bench.broker.process import placed, processor_seconds
from bench.broker.table import show

SECONDS = 0.6
WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who publishes to whom, and whether generator and broker share a core."""

    qos: int
    subscribers: int
    in_flight: int
    one_core: bool = False
    rounds: int = 5
    at_least: float = 1
    """The bound for the ratio to Mosquitto."""

    def __str__(self) -> str:
        cores = "1 core" if self.one_core else "2 cores"
        return f"QoS {self.qos}  1 to {self.subscribers:<2}  {self.in_flight:3} in flight  {cores}"


SCENARIOS = [
    *(Scenario(qos, subscribers, MOST_IN_FLIGHT) for subscribers in (1, 20) for qos in (0, 1)),
    *(Scenario(qos, 1, 1, one_core, rounds=15, at_least=0.95) for one_core in (False, True) for qos in (0, 1)),
]
"""With one in flight, generator and broker only ever wait for each other. On two cores, the time that one takes to
wake the other counts for more than what the broker does: so that is measured on one core too. Their ratios are so near
to their bound that they need more rounds."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Deliveries a second to all subscribers together, and the share of a core that the broker spent on them."""

    rate: float
    busy: float


def measure(target: Target, credentials: Credentials, scenario: Scenario, seconds: float = SECONDS) -> Figure:
    """One round on fresh connections: a warm-up, the measurement, and then all that was sent must arrive.

    Raises BrokerFailed where it does not.
    """
    with open_flow(target, credentials, scenario.qos, scenario.subscribers) as flow:
        load = Load(flow, scenario.in_flight)
        with placed(target.pid, one_core=scenario.one_core):
            load.run(WARM_UP)
            before = processor_seconds(target.pid)
            rate = load.run(seconds)
            busy = (processor_seconds(target.pid) - before) / seconds
            load.drain()
        return Figure(rate, busy)


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints the medians of the rounds, and the median of the rounds' ratios with its bound."""
    with ExitStack() as stack:
        targets = [stack.enter_context(broker) for broker in brokers(credentials)]
        rows = [["", *(cell for target in targets for cell in (target.name, "busy")), "ratio", ""]]
        for scenario in SCENARIOS:
            rounds = [[measure(target, credentials, scenario) for target in targets] for _ in range(scenario.rounds)]
            rows.append([str(scenario), *_cells(rounds), *_ratio(rounds, scenario, bounds)])
    show(f"deliveries a second, 64-byte payloads, one topic, rounds of {SECONDS} s in turns, their median", rows)


def _cells(rounds: Sequence[Sequence[Figure]]) -> list[str]:
    cells = []
    for figures in zip(*rounds, strict=True):
        cells.append(f"{statistics.median(figure.rate for figure in figures):,.0f}")
        cells.append(f"{statistics.median(figure.busy for figure in figures):.0%}")
    return cells


def _ratio(rounds: Sequence[Sequence[Figure]], scenario: Scenario, bounds: Bounds) -> tuple[str, str]:
    ratios = [ours.rate / theirs[0].rate for ours, *theirs in rounds if theirs]
    if not ratios:
        return "", "(no Mosquitto, so not compared)"
    ratio = statistics.median(ratios)
    return f"{ratio:.2f}", bounds.at_least(f"broker: {scenario}, to mosquitto", ratio, scenario.at_least)
