"""The load generator's own ceiling: the same load, with a process that only passes bytes on in the broker's place."""

from bench.bounds import Bounds
from bench.broker.credentials import Credentials
from bench.broker.forwarder import Forwarder
from bench.broker.table import show
from bench.broker.throughput import SCENARIOS, measure

SECONDS = 0.3


def report(credentials: Credentials, _: Bounds) -> None:
    """Prints what the generator reaches where messages come in bulk, and where each comes by itself. Has no bounds."""
    rows = [["", "in bulk", "one by one", ""]]
    with Forwarder(one_by_one=False) as bulk, Forwarder(one_by_one=True) as single:
        for scenario in SCENARIOS:
            rates = [measure(target, credentials, scenario, SECONDS).rate for target in (bulk, single)]
            rows.append([str(scenario), *(f"{rate:,.0f}" for rate in rates), ""])
    show("deliveries a second of the load generator itself, against a process that only passes bytes on", rows)
