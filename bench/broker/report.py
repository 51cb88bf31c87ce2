"""All parts of the broker's benchmark, and how one is run alone."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from bench.bounds import Bounds
from bench.broker import ceiling, connects, latency, memory, readiness, subscriptions, throughput
from bench.broker.brokers import MOSQUITTO
from bench.broker.credentials import Credentials

PARTS = {
    "throughput": throughput.report,
    "latency": latency.report,
    "subscriptions": subscriptions.report,
    "connects": connects.report,
    "memory": memory.report,
    "readiness": readiness.report,
    "ceiling": ceiling.report,
}


def report(bounds: Bounds, parts: Iterable[str] = PARTS) -> None:
    """Runs those parts. Raises NotStarted, and BrokerFailed where a broker loses a message or says no."""
    if not MOSQUITTO:
        print("broker  Mosquitto is not installed, so nothing is compared with it (apt-get install mosquitto)\n")
    with tempfile.TemporaryDirectory() as folder:
        credentials = Credentials(Path(folder))
        for part in parts:
            PARTS[part](credentials, bounds)
