"""All parts of the broker's benchmark, and how one is run alone."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

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


def report(parts: Iterable[str] = PARTS) -> None:
    """Runs those parts. Raises NotStarted, and BrokerFailed where a broker loses a message or says no."""
    if not MOSQUITTO:
        print("broker  no Mosquitto here (on Debian: apt-get install mosquitto), so iot-authorizer alone\n")
    with tempfile.TemporaryDirectory() as folder:
        credentials = Credentials(Path(folder))
        for part in parts:
            PARTS[part](credentials)
