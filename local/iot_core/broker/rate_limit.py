"""So many a second, and no more."""

from collections.abc import Callable


class RateLimit:
    """A bucket of as many tokens as may be taken in a second, filled again as time passes."""

    __slots__ = ("_clock", "_filled", "_per_second", "_tokens")

    def __init__(self, per_second: int | None, clock: Callable[[], float]) -> None:
        """None is no limit. `clock` gives seconds."""
        self._per_second = per_second
        self._clock = clock
        self._tokens = float(per_second or 0)
        self._filled = clock()

    def take(self) -> bool:
        """Whether one more is within the limit, and counts it then."""
        if self._per_second is None:
            return True
        now = self._clock()
        if now > self._filled:  # A clock that is set back must not take tokens away.
            self._tokens = min(self._per_second, self._tokens + (now - self._filled) * self._per_second)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
