"""Limits of online guessing: who fails often waits, ever longer.

Failures are counted against the principal, whether it exists or not, and against the client ID: IoT Core tells an
authorizer no address. Anybody can fail in somebody's name. So that this locks nobody out cheaply, a client ID that the
principal has signed in with is counted on its own, and a password that was generated, which nobody guesses, is never
locked. Each counter is written once in each failed attempt, so that its time tells nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from identities.reading import whole_number
from identities.table import Item, ItemChanged, Table

PREFIX = "failures#"
"""Of all that the Lambda writes: its role allows it no other IDs."""
_DAY = 86_400
_KNOWN_FOR = 30 * _DAY
"""Seconds that a client ID is known after a sign-in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When guessing is slowed, and locked. All times in seconds."""

    slow_after: int = 5
    """From so many failures on, the next attempt waits 1 s, 2 s, 4 s, …"""
    lock_after: int = 10
    """From so many on, it waits `lock_for`."""
    lock_for: int = 15 * 60
    forget_after: int = 60 * 60
    """After so long without a failure, all are forgotten."""

    def wait(self, failures: int) -> int:
        """How long after the last of so many failures nobody may try."""
        if failures < self.slow_after:
            return 0
        return self.lock_for if failures >= self.lock_after else min(self.lock_for, 1 << (failures - self.slow_after))


class _Counter(NamedTuple):
    id: str
    failures: int
    last: int


class Attempt(NamedTuple):
    """One attempt to sign in."""

    counters: tuple[_Counter, ...]
    """Where a failure is counted."""
    known_id: str | None
    """Where it is noted that the client ID belongs to the principal; None without a client ID."""
    known_at: int | None
    """When that was noted last; None where it was not, or long ago."""


class Guard:
    """Counts failures, and says who has to wait."""

    def __init__(self, table: Table, limits: Limits) -> None:
        self._table = table
        self._limits = limits

    def attempt(self, principal: str, client_id: str | None, items: Mapping[str, Item]) -> Attempt:
        """An attempt, by the items that `ids` names. Raises MalformedItem."""
        of_principal, *others = ids(principal, client_id)
        if not others:
            return Attempt((_counter(of_principal, items),), None, None)
        of_client, of_pair, known_id = others
        if known_id in items:
            return Attempt((_counter(of_pair, items),), known_id, whole_number(items[known_id], "last"))
        return Attempt((_counter(of_principal, items), _counter(of_client, items)), known_id, None)

    def begin(self, attempt: Attempt, now: int) -> bool:
        """Whether the attempt may go on. Where it is a suspicious one, it is counted before it does.

        Of several at once, one may. Raises TableUnavailable.
        """
        may_go_on = True
        for counter in attempt.counters:
            if now < counter.last + self._limits.wait(counter.failures):
                self._count(f"{counter.id}#waiting", now)
                may_go_on = False
            elif self._is_suspicious(counter):
                may_go_on = self._reserve(counter, now) and may_go_on
        return may_go_on

    def failed(self, attempt: Attempt, now: int) -> None:
        """Counts what `begin` has not. Raises TableUnavailable."""
        for counter in attempt.counters:
            if not self._is_suspicious(counter):
                self._count(counter.id, now)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        """Notes, at most once a day, that the client ID belongs to the principal. Raises TableUnavailable."""
        if attempt.known_id is not None and (attempt.known_at is None or now >= attempt.known_at + _DAY):
            self._table.count(attempt.known_id, at=now, forget_at=now + _KNOWN_FOR)

    def _is_suspicious(self, counter: _Counter) -> bool:
        return counter.failures >= self._limits.slow_after

    def _reserve(self, counter: _Counter, now: int) -> bool:
        try:
            self._count(counter.id, now, seen=counter.failures)
        except ItemChanged:
            return False
        return True

    def _count(self, counter_id: str, now: int, seen: int | None = None) -> None:
        self._table.count(counter_id, at=now, forget_at=now + self._limits.forget_after, seen=seen)


def ids(principal: str, client_id: str | None) -> tuple[str, ...]:
    """The items that an attempt takes: of the principal, and with a client ID, three more."""
    found = (_id("principal", principal),)
    if client_id is None:
        return found
    pair = (principal, client_id)
    return (*found, _id("client", client_id), _id("pair", *pair), _id("known", *pair))


def _id(kind: str, *names: str) -> str:
    """Of one length, whatever the client made up: a key of DynamoDB's has at most 2,048 bytes."""
    return f"{PREFIX}{kind}#{sha256(json.dumps(names).encode()).hexdigest()}"


def _counter(counter_id: str, items: Mapping[str, Item]) -> _Counter:
    item = items.get(counter_id)
    return _Counter(counter_id, *((whole_number(item, "count"), whole_number(item, "last")) if item else (0, 0)))
