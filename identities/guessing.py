"""Limits of online guessing: who fails often waits, ever longer.

Failures are counted against the principal, whether it exists or not, and against the client ID: IoT Core tells an
authorizer no address. Anybody can fail in somebody's name. So that this locks nobody out cheaply, a client ID that the
principal has signed in with is counted on its own, and a password that was generated, which nobody guesses, is never
locked.

A stranger's attempt is counted before its password is looked at, and taken back where the password is right: of many at
once, no more are looked at than one after the other. Each failed attempt writes twice, so that its time tells nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from identities.reading import whole_number
from identities.table import Counters, Item, ItemChanged, Table

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
    forget_after: int = _DAY
    """After so long without a failure, all are forgotten."""

    def wait(self, failures: int) -> int:
        """How long after the last of so many failures nobody may try."""
        if failures < self.slow_after:
            return 0
        return self.lock_for if failures >= self.lock_after else min(self.lock_for, 1 << (failures - self.slow_after))


class _Counter(NamedTuple):
    id: str
    failures: int = 0
    last: int = 0
    is_spare: bool = False
    """Whether it is there for its write alone, and nothing goes by it."""


@dataclass(slots=True)
class Attempt:
    """One attempt to sign in."""

    counters: tuple[_Counter, ...]
    """Where a failure is counted: two, always."""
    known_id: str | None
    """Where it is noted that the client ID belongs to the principal; None without a client ID."""
    known_at: int | None
    """When that was noted last; None where it was not, or long ago."""
    counted: dict[str, int] = field(default_factory=dict)
    """The counters that count this attempt already, and what they have counted with it."""


class Guard:
    """Counts failures, and says who has to wait."""

    def __init__(self, table: Counters, limits: Limits) -> None:
        self._table = table
        self._limits = limits

    def attempt(
        self, principal: str, client_id: str | None, items: Mapping[str, Item], known_since: int | None = 0
    ) -> Attempt:
        """An attempt, by the items that `ids` names. Raises MalformedItem.

        A client ID is known only by a sign-in since `known_since`, when the oldest password that is stored was set;
        None where no password is.
        """
        of_principal, *others = ids(principal, client_id)
        if not others:
            return Attempt(
                (_counter(of_principal, items), _Counter(f"{of_principal}#again", is_spare=True)), None, None
            )
        of_client, of_pair, known_id = others
        known_at = whole_number(items[known_id], "last") if known_id in items else None
        if known_at is not None and known_since is not None and known_at >= known_since:
            return Attempt((_counter(of_pair, items), _Counter(f"{of_pair}#again", is_spare=True)), known_id, known_at)
        return Attempt((_counter(of_principal, items), _counter(of_client, items)), known_id, None)

    def begin(self, attempt: Attempt, now: int) -> bool:
        """Whether the attempt may go on; it is counted before it does, unless a known client has failed little.

        Raises TableUnavailable.
        """
        may_go_on = True
        for counter in attempt.counters:
            if counter.is_spare:
                continue
            if self._waits(counter, now):
                may_go_on = False
            elif attempt.known_at is None or counter.failures >= self._limits.slow_after:
                may_go_on = self._count_first(attempt, counter, now) and may_go_on
        return may_go_on

    def failed(self, attempt: Attempt, now: int) -> None:
        """Counts where `begin` has not: attempts in a wait beside it, since they must not lengthen it.

        Raises TableUnavailable.
        """
        for counter in attempt.counters:
            if counter.id not in attempt.counted:
                waits = self._waits(counter, now)
                self._count(f"{counter.id}#waiting" if waits else counter.id, now)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        """Takes back what was counted, and notes once a day that the client ID belongs to the principal.

        Raises TableUnavailable.
        """
        for counter in attempt.counters:
            if counter.id in attempt.counted:
                self._table.uncount(counter.id, counted=attempt.counted[counter.id], last=counter.last)
        if attempt.known_id is not None and (attempt.known_at is None or now >= attempt.known_at + _DAY):
            self._table.count(attempt.known_id, at=now, forget_at=now + _KNOWN_FOR)

    def _waits(self, counter: _Counter, now: int) -> bool:
        wait = self._limits.wait(counter.failures)
        return wait > 0 and now < counter.last + wait

    def _count_first(self, attempt: Attempt, counter: _Counter, now: int) -> bool:
        """Whether this attempt is among those that need not wait; of suspicious ones at once, one is."""
        suspicious = counter.failures >= self._limits.slow_after
        try:
            counted = self._count(counter.id, now, counter.failures if suspicious else None)
        except ItemChanged:
            return False
        attempt.counted[counter.id] = counted
        return suspicious or counted <= self._limits.slow_after

    def _count(self, counter_id: str, now: int, seen: int | None = None) -> int:
        return self._table.count(counter_id, at=now, forget_at=now + self._limits.forget_after, seen=seen)


class Failed(NamedTuple):
    """What is counted against somebody."""

    times: int
    last: int
    """When it was last, in seconds since 1970."""


def failed_by(table: Table, principal: str, client_id: str | None) -> Failed | None:
    """What strangers have failed for a principal, or with a client ID, one of its client IDs; None for nothing.

    Raises TableUnavailable and MalformedItem.
    """
    of_principal, *others = ids(principal, client_id)
    asked = others[:2] or [of_principal]
    items = table.read(asked)
    counters = [_counter(each, items) for each in asked if each in items]
    return max((Failed(each.failures, each.last) for each in counters), default=None)


def forget(table: Table, principal: str, client_ids: Sequence[str]) -> None:
    """Forgets what strangers have failed for a principal, and all that these clients have. Raises TableUnavailable."""
    table.delete(*ids(principal, None))
    for client_id in client_ids:
        _, of_client, of_pair, _ = ids(principal, client_id)
        for each in (of_client, of_pair):
            table.delete(each)


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
