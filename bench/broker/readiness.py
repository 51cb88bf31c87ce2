"""Readiness: from the start of `iot-authorizer dev` to its first answers, with an empty data folder."""

import statistics
import time
from collections.abc import Callable

from bench.bounds import Bounds
from bench.broker import client
from bench.broker.brokers import Broker, IotAuthorizer, accepts_connect
from bench.broker.credentials import Credentials
from bench.broker.table import show

RUNS = 5
Probe = Callable[[Broker], bool]


def answers_http(broker: Broker) -> bool:
    """Whether the page answers: this program does not know the console's secret, so it gets a 403."""
    request = f"GET / HTTP/1.1\r\nHost: {broker.address[0]}:{broker.address[1]}\r\nConnection: close\r\n\r\n"
    try:
        with client.dial(broker.address) as connection:
            connection.sendall(request.encode())
            client.expect(connection, b"HTTP/1.1 403 ")
    except (OSError, client.BrokerFailed):
        return False
    return True


def measure(broker: Broker, ready: Probe) -> float:
    """Seconds from the start until the probe first succeeds; it is asked again every 2 ms. Raises NotStarted."""
    try:
        started = time.perf_counter()
        broker.launch()
        broker.wait_until(ready)
        return time.perf_counter() - started
    finally:
        broker.stop()


def report(credentials: Credentials, bounds: Bounds) -> None:
    """Prints the medians. Each answer is waited for in starts of its own."""
    broker = IotAuthorizer(credentials)
    measure(broker, accepts_connect)  # The first writes the .pyc files.
    rows = [["", "median", "longest", ""]]
    for what, ready, most in (("first CONNACK", accepts_connect, 0.36), ("first HTTP answer", answers_http, 0.44)):
        times = [measure(broker, ready) for _ in range(RUNS)]
        median = statistics.median(times)
        bound = bounds.at_most(f"broker: {what}, s", median, bounds.time(most))
        rows.append([what, f"{median:.2f} s", f"{max(times):.2f} s", bound])
    show(f"ready: from the start of iot-authorizer dev, {RUNS} starts for each", rows)
