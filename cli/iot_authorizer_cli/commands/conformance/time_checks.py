"""The checks of time: how long an authorizer's answer counts.

- IoT Core accepts no time below 300 seconds, so these checks wait. On this machine such seconds pass faster.
- What the function answers changes two minutes after a check begins, at a time that the client names. So the clocks of
  this machine and of the function may differ by less than that.
"""

import json
import math
import time
from collections.abc import Mapping
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.aws_key import RequestSigning
from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.websocket import connected_over_websocket
from iot_authorizer_cli.commands.conformance.wire import CLOSED, SILENCE, NotTried, Wire, described
from iot_core.mqtt import Pingreq, Pingresp
from iot_policies.account_region import AccountRegion
from iot_policies.durations import utc_text

CHANGE = 120
"""Seconds after which the function answers something else."""
TIME = 300
"""Seconds: the shortest time that IoT Core accepts."""
LATE = 120
"""Seconds that IoT Core may be late."""
PAUSE = 20
"""Seconds between two requests: nothing closes the connection as idle meanwhile."""


class Watch:
    """Measures the seconds of an authorizer's answer."""

    def __init__(self, clients: Clients) -> None:
        self._scale = clients.endpoint.time_scale
        self._started = time.monotonic()
        self.change = f"{time.time() + CHANGE / self._scale:.3f}"
        """When the function's answer changes, in seconds since 1970."""

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return (time.monotonic() - self._started) * self._scale

    def sleep(self, seconds: float) -> None:
        """Waits for so many seconds."""
        time.sleep(seconds / self._scale)


def _end(wire: Wire, watch: Watch, expected: float) -> str:
    """How a connection ends, and when; or that it does not. What comes a little late is in time."""
    found: list[str] = []
    while watch.seconds < expected + LATE:
        wire.send(Pingreq())
        packet = wire.read()
        if isinstance(packet, Pingresp):
            watch.sleep(PAUSE)
        elif packet != SILENCE:
            found.append(described(packet))
        if packet == CLOSED:
            ended = expected if watch.seconds >= expected else watch.seconds
            return f"{', '.join(found)} after {round(ended / 60)} minutes"
    return ", ".join([*found, "connected"])


def _refused(clients: Clients) -> str:
    watch = Watch(clients)
    with clients.connected(watch.change, keep_alive=1200) as wire:
        return _end(wire, watch, TIME)


def _narrower(clients: Clients) -> str:
    """What a client gets that may publish at first, and then not any more."""
    watch = Watch(clients)
    with clients.connected(watch.change, keep_alive=1200) as wire:
        wire.answer(subscribe(clients.topic(), 0))
        before = wire.answer(message(clients.topic(), payload=b"before"))
        waited = _end(wire, watch, TIME)
        return f"{before}; {waited}; {wire.answer(message(clients.topic(), payload=b'after'))}"


def _disconnected(seconds: int) -> Run:
    """How a connection ends whose time is over."""

    def run(clients: Clients) -> str:
        watch = Watch(clients)
        with clients.connected(keep_alive=1200) as wire:
            return _end(wire, watch, seconds)

    return run


def _current_time(clients: Clients) -> str:
    """What a client gets before and after the end that `aws:CurrentTime` sets in its session's policy."""
    watch, key = Watch(clients), clients.endpoint.find_key()
    prefix = f"arn:{AccountRegion(key.region, '*').partition}:iot:*:*:"
    end = {"DateLessThan": {"aws:CurrentTime": utc_text(math.ceil(float(watch.change)))}}
    connect = {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{prefix}client/{clients.client_id()}"}
    publish = {"Effect": "Allow", "Action": "iot:Publish", "Resource": f"{prefix}topic/{clients.topic()}"}
    statements = [connect, {**publish, "Condition": end}]
    session = key.assume(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    query = RequestSigning().query(session, clients.endpoint.address)
    with connected_over_websocket(clients, query, keep_alive=1200) as wire:
        before = wire.answer(message(clients.topic()))
        if before != "PUBACK 0x00":
            raise NotTried(f"a session with a time gets {before}: name a role that allows iot:*")
        waited = _end(wire, watch, TIME)
        return f"{before}; {waited}; {wire.answer(message(clients.topic()))}"


_ASKED: Mapping[str, tuple[str, Run]] = {
    "refresh-refused": ("When is a client disconnected that a refresh refuses, and how?", _refused),
    "refresh-failed": ("What happens to a client if the function fails at a refresh?", _refused),
    "refresh-narrower": ("Does a narrower policy count after a refresh, and not before?", _narrower),
    "session-current-time": ("Does aws:CurrentTime end what a connected session may do?", _current_time),
    "disconnect-after": ("When does disconnectAfterInSeconds end a connection, and how?", _disconnected(TIME)),
}
_LONGER: Mapping[str, tuple[str, Run]] = {
    "disconnect-kept": ("Does a refresh after 300 seconds leave the end after 600 as it is?", _disconnected(2 * TIME)),
}
TIME_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {**checks_of(_ASKED, seconds=TIME + LATE), **checks_of(_LONGER, seconds=2 * TIME + LATE)}
)
"""All checks of time by their names. Each waits."""
