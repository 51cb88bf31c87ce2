"""Caches a fetched value and serves the stale one while its source is unreachable."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from iot_authorizer.clock import Clock, Moment
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal, internal_error

Value = TypeVar("Value")
OnFetch = Callable[[str | None], None]
"""Called after each fetch: the cause if it failed, None if it succeeded."""


class FetchError(Exception):
    """The value was not fetched or cannot be used. The text is the cause, without secrets: it is logged."""


@dataclass(frozen=True, slots=True)
class Caching:
    """How long a value is cached. All times in seconds."""

    max_age: float = 600
    """From this age on, the value is fetched again before it is used."""
    max_stale: float = 86_400
    """Up to this age, the value is used while fetching fails; never beyond it and `max_age`."""
    pause: float = 30
    """The time between two attempts to fetch, so that clients cannot cause many fetches."""


class Cached(Generic[Value]):
    """A value that `fetch` returns, cached."""

    def __init__(
        self,
        fetch: Callable[[], Value],
        *,
        caching: Caching | None = None,
        clock: Clock | None = None,
        on_fetch: OnFetch | None = None,
    ) -> None:
        """`fetch` raises FetchError and has its own timeout. Of other errors, only type and place are logged."""
        self._fetch = fetch
        self._caching = caching or Caching()
        self._clock = clock or Clock()
        self._on_fetch = on_fetch
        self._value: Value | None = None
        self._fetched_at: Moment | None = None
        self._tried_at: Moment | None = None
        self._problem = ""
        """Why the last fetch that failed did."""

    def get(self) -> Value:
        """The value, fetched if it is too old. Raises Refusal if no value is fresh enough."""
        if self._age() >= self._caching.max_age:
            self.refresh()
        if self._value is None or self._age() > max(self._caching.max_age, self._caching.max_stale):
            raise Refusal(Reason.KEYS_UNAVAILABLE, self._problem)
        return self._value

    def refresh(self) -> bool:
        """Fetches the value unless that was tried within `pause`. Returns whether the value is new."""
        now = self._clock.now()
        if now.seconds_since(self._tried_at) < self._caching.pause:
            return False
        self._tried_at = now
        problem = None
        try:
            self._value = self._fetch()
            self._fetched_at = now
        except Exception as error:  # noqa: BLE001 (after any error, the old value is served)
            problem = self._problem = str(error) if isinstance(error, FetchError) else internal_error(error).detail
        if self._on_fetch is not None:
            self._on_fetch(problem)
        return problem is None

    def _age(self) -> float:
        return self._clock.now().seconds_since(self._fetched_at)
