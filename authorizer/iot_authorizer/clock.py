"""The time from which ages are measured: a cached value is never younger than it says.

The rules:
1. Every age is measured by two clocks, and the larger result counts. Lambda freezes an execution environment between
   invocations, and the monotonic clock can stop with it; the wall clock can be set back.
   unmeasured (reported, https://github.com/ConductorOne/baton-sdk/pull/1007, 14 July 2026): that a frozen environment's
   monotonic clock stops, and that its wall clock is right afterwards.
2. A moment that is in the future by one of the clocks is infinitely old: the wall clock was set back, or the
   environment was restored from a snapshot (SnapStart) on a machine whose monotonic clock is behind.
3. A value that was loaded before a snapshot is as old as it really is, since the wall clock is right after a restore.
4. The age of a fetched value begins before its request: its source can change right after it answered.
5. One case cannot be seen: the environment was frozen, and later the wall clock was set back to a time after the
   moment. Then the age is too young by what it was set back.
6. What has its own end (`exp`, a user, a revocation, a counter of the table) is compared with the wall clock, which is
   the only clock that two machines share. A deadline for one call's I/O may use `time.monotonic`.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple


class Moment(NamedTuple):
    """A time by both clocks, in seconds."""

    wall: float
    """Since 1970."""
    monotonic: float
    """Since any time."""

    def seconds_since(self, earlier: "Moment | None") -> float:
        """The age of what happened at an earlier moment; infinite if that is None or is in the future."""
        if earlier is None:
            return math.inf
        wall, monotonic = self.wall - earlier.wall, self.monotonic - earlier.monotonic
        return max(wall, monotonic) if wall >= 0 and monotonic >= 0 else math.inf


class Clock:
    """Tells moments, from which ages are measured."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Both return seconds: `wall` since 1970, `monotonic` since any time."""
        self._wall = wall
        self._monotonic = monotonic

    def now(self) -> Moment:
        """The current moment."""
        return Moment(self._wall(), self._monotonic())
