"""What comes over the network: kept, refreshed, and served stale while nobody answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

Value = TypeVar("Value")
Clock = Callable[[], float]
OnFetch = Callable[[bool], None]
"""Told of each fetch whether it worked."""


class FetchError(Exception):
    """What was asked for did not come, or can't be used."""


@dataclass(frozen=True, slots=True)
class Caching:
    """How long something is kept. All times in seconds."""

    max_age: float = 600
    """From when on it is fetched again before it is used."""
    max_stale: float = 86_400
    """How long it is still used while fetching fails."""
    pause: float = 30
    """Between two attempts, whoever asks and however often: strangers cannot make us fetch."""


class Cached(Generic[Value]):
    """One value that a fetcher brings."""

    def __init__(
        self,
        fetch: Callable[[], Value],
        *,
        caching: Caching | None = None,
        clock: Clock = time.monotonic,
        on_fetch: OnFetch | None = None,
    ) -> None:
        """`fetch` raises FetchError, within its own time-out."""
        self._fetch = fetch
        self._caching = caching or Caching()
        self._clock = clock
        self._on_fetch = on_fetch
        self._value: Value | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    def get(self) -> Value:
        """The value, fetched where it must be. Raises Refusal where there is none that may still be used."""
        if self._age() >= self._caching.max_age:
            self.refresh()
        if self._value is None or self._age() > max(self._caching.max_age, self._caching.max_stale):
            raise Refusal(Reason.KEYS_UNAVAILABLE)
        return self._value

    def refresh(self) -> bool:
        """Fetches, unless that was tried just now; whether the value is new."""
        now = self._clock()
        if now - self._tried_at < self._caching.pause:
            return False
        self._tried_at = now
        try:
            self._value = self._fetch()
        except FetchError:
            return self._tell(fetched=False)
        self._fetched_at = now
        return self._tell(fetched=True)

    def _tell(self, *, fetched: bool) -> bool:
        if self._on_fetch is not None:
            self._on_fetch(fetched)
        return fetched

    def _age(self) -> float:
        return self._clock() - self._fetched_at
