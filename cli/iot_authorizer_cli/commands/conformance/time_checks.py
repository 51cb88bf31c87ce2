"""The checks of time: how long an authorizer's answer counts.

- IoT Core accepts no time below 300 seconds, so these checks wait. On this machine such seconds pass faster.
- What the function answers changes 60 seconds after a check begins, at a time that the client names. So the clocks of
  this machine and of the function may differ by less than that.
"""

import time
from collections.abc import Mapping
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck, Run, checks_of, message, subscribe
from iot_authorizer_cli.commands.conformance.wire import CLOSED, Wire, described
from iot_core.mqtt import Pingreq, Pingresp

CHANGE = 60
"""Seconds after which the function answers something else."""
TIME = 300
"""Seconds: the shortest time that IoT Core accepts."""
LATE = 60
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


def _end(wire: Wire, watch: Watch, most: float) -> str:
    """How a connection ends, and after how many minutes; or that it does not."""
    found: list[str] = []
    while watch.seconds < most:
        wire.send(Pingreq())
        packet = wire.read()
        if isinstance(packet, Pingresp):
            watch.sleep(PAUSE)
            continue
        found.append(described(packet))
        if packet == CLOSED:
            return f"{', '.join(found)} after {int(watch.seconds / 60)} minutes"
    return ", ".join([*found, f"connected after {int(most / 60)} minutes"])


def _refused(clients: Clients) -> str:
    watch = Watch(clients)
    with clients.connected(watch.change, keep_alive=1200) as wire:
        return _end(wire, watch, TIME + LATE)


def _narrower(clients: Clients) -> str:
    """What a client gets that may publish at first, and then not any more."""
    watch = Watch(clients)
    with clients.connected(watch.change, keep_alive=1200) as wire:
        wire.answer(subscribe(clients.topic(), 0))
        before = wire.answer(message(clients.topic(), payload=b"before"))
        waited = _end(wire, watch, TIME + LATE)
        return f"{before}; {waited}; {wire.answer(message(clients.topic(), payload=b'after'))}"


def _disconnected(seconds: int) -> Run:
    """How a connection ends whose time is over."""

    def run(clients: Clients) -> str:
        watch = Watch(clients)
        with clients.connected(keep_alive=1200) as wire:
            return _end(wire, watch, seconds + LATE)

    return run


_ASKED: Mapping[str, tuple[str, Run]] = {
    "refresh-refused": ("When is a client disconnected that a refresh refuses, and how?", _refused),
    "refresh-narrower": ("Does a narrower policy count after a refresh, and not before?", _narrower),
    "disconnect-after": ("When does disconnectAfterInSeconds end a connection, and how?", _disconnected(TIME)),
}
_LONGER: Mapping[str, tuple[str, Run]] = {
    "disconnect-kept": ("Does a refresh after 300 seconds leave the end after 600 as it is?", _disconnected(2 * TIME)),
}
TIME_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {**checks_of(_ASKED, seconds=TIME + LATE), **checks_of(_LONGER, seconds=2 * TIME + LATE)}
)
"""All checks of time by their names. Each waits."""
