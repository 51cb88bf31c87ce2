"""The broker's clock: seconds since 1970 that never go back."""

from collections.abc import Callable


class SteadyClock:
    """Seconds since 1970. While the wall clock is set back, the time goes on at its pace.

    So messages, sessions and Wills expire in time if the wall clock changes. After it was set back, this clock is ahead
    of it until the process ends.
    """

    def __init__(self, wall_clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        """`wall_clock` gives seconds since 1970; `monotonic` gives seconds from any start."""
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._ahead = wall_clock() - monotonic()

    def __call__(self) -> float:
        """The time now."""
        wall = self._wall_clock()  # First: a pause between the two must not put this clock ahead.
        monotonic = self._monotonic()
        self._ahead = max(self._ahead, wall - monotonic)
        return monotonic + self._ahead
