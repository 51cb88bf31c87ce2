"""Memory: what 2,000 idle connections hold, with a subscription and a policy each."""

import resource
from contextlib import ExitStack

from bench.bounds import Bounds
from bench.broker import client
from bench.broker.brokers import IotAuthorizer, brokers
from bench.broker.credentials import Credentials
from bench.broker.flow import Target
from bench.broker.process import resident_bytes
from bench.broker.table import show

CONNECTIONS = 2000
_KILOBYTES = 15
"""What an idle connection may take."""


def measure(target: Target, credentials: Credentials) -> tuple[int, int]:
    """Bytes of the resident set before the connections are opened, and while all are open. Raises BrokerFailed."""
    before = resident_bytes(target.pid)
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            principal = f"idle-{number}"
            connection = client.open_connection(target.address, credentials.connect(principal))
            client.subscribe(stack.enter_context(connection), [f"users/{principal}/inbox/#"], 1)
        return before, resident_bytes(target.pid)


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints both figures, and what a connection takes."""
    rows = [["", "before", "with them", "a connection", ""]]
    for broker in brokers(credentials):
        with broker as target:
            # Not before this project's broker runs: it has to raise its own limit. Mosquitto inherits this one.
            _raise_open_files()
            before, after = measure(target, credentials)
        each = (after - before) / CONNECTIONS / 1e3
        ours = isinstance(broker, IotAuthorizer)
        bound = bounds.at_most("broker: an idle connection, kB", each, _KILOBYTES) if ours else ""
        rows.append([broker.name, f"{before / 1e6:.0f} MB", f"{after / 1e6:.0f} MB", f"{each:.1f} kB", bound])
    show(f"resident memory, {CONNECTIONS:,} idle connections with one subscription each", rows)


def _raise_open_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
