"""Limits of online guessing: who fails often waits, ever longer.

Failures are counted against the principal, whether it exists or not, and against the client ID: IoT Core tells an
authorizer no address. Anybody can fail in somebody's name. So that this locks nobody out cheaply, a client ID that the
principal has signed in with is counted on its own, and a password that was generated, which nobody guesses, is never
locked.

A stranger's attempt is counted before its password is looked at, and taken back where the password is right: of many at
once, no more are looked at than one after the other. Each failed attempt writes twice, so that its time tells nothing.

A right password forgets what failed with its client ID before (NIST SP 800-63B, section 5.2.2), but not what did so
just now: else somebody else with this client ID could guess anew after each sign-in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from iot_identities.reading import whole_number
from iot_identities.table import Counters, Item, ItemChanged, Table

PREFIX = "failures#"
"""Of all that the Lambda writes: its role allows it no other IDs."""
_DAY = 86_400
_KNOWN_FOR = 30 * _DAY
"""Seconds that a client ID is known after a sign-in."""


@dataclass(frozen=True, slots=True)
class GuessingLimits:
    """When guessing is slowed, and locked. All times in seconds."""

    slow_after: int = 5
    """From so many failures on, the next attempt waits 1 s, 2 s, 4 s, …"""
    lock_after: int = 10
    """From so many on, it waits `lock_for`."""
    lock_for: int = 15 * 60
    forget_after: int = _DAY
    """After so long without a failure, all are forgotten; after an eighth of it, those of a client ID that signs in."""

    def wait(self, failures: int) -> int:
        """How long after the last of so many failures nobody may try."""
        if failures < self.slow_after:
            return 0
        return self.lock_for if failures >= self.lock_after else min(self.lock_for, 1 << (failures - self.slow_after))


class _Counter(NamedTuple):
    id: str
    failures: int = 0
    last: int = 0
    forget_at: int | None = None
    """When the item ends; None where it is not there."""
    is_spare: bool = False
    """Whether it is there for its write alone, and nothing goes by it."""


@dataclass(slots=True)
class Attempt:
    """One attempt to sign in."""

    counters: tuple[_Counter, ...]
    """Where a failure is counted: two, always."""
    pair: _Counter | None
    """Where failures of the principal with this client ID are counted once it is known; None without a client ID."""
    known_id: str | None
    """Where it is noted that the client ID belongs to the principal; None without a client ID."""
    known_at: int | None
    """When that was noted last; None where it was not, or long ago."""
    counted: dict[str, int] = field(default_factory=dict)
    """The counters that count this attempt already, and what they have counted with it."""
    wait: int = 0
    """Seconds until the next attempt may go on, where `begin` says that this one may not."""


class Guard:
    """Counts failures, and says who has to wait."""

    def __init__(self, table: Counters, limits: GuessingLimits) -> None:
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
            spare = _Counter(f"{of_principal}#again", is_spare=True)
            return Attempt((_counter(of_principal, items), spare), None, None, None)
        of_client, of_pair, known_id = others
        pair = _counter(of_pair, items)
        known_at = whole_number(items[known_id], "last") if known_id in items else None
        if known_at is not None and known_since is not None and known_at >= known_since:
            return Attempt((pair, _Counter(f"{of_pair}#again", is_spare=True)), pair, known_id, known_at)
        return Attempt((_counter(of_principal, items), _counter(of_client, items)), pair, known_id, None)

    def begin(self, attempt: Attempt, now: int) -> bool:
        """Whether the attempt may go on; it is counted before it does, unless a known client has failed little.

        Raises TableUnavailable.
        """
        counters = [counter for counter in attempt.counters if not counter.is_spare]
        attempt.wait = max(self._left(counter, now) for counter in counters)
        for counter in counters:
            if attempt.wait == 0 and (attempt.known_at is None or counter.failures >= self._limits.slow_after):
                attempt.wait = 0 if self._count_first(attempt, counter, now) else 1
        return attempt.wait == 0

    def failed(self, attempt: Attempt, now: int, *, right: bool = False) -> None:
        """Counts where `begin` has not. Whose password was not looked at is counted beside: a wait gets no longer.

        So is who has the `right` one and is refused for another reason, unless `begin` has counted it: to take that
        back would take longer, and tell. Raises TableUnavailable.
        """
        for counter in attempt.counters:
            if counter.id not in attempt.counted:
                beside = right or attempt.wait > 0 or self._left(counter, now) > 0
                self._count(f"{counter.id}#beside" if beside else counter.id, now)
            elif attempt.wait > 0:
                self._take_back(attempt, counter, now)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        """Takes back what was counted, and notes once a day that the client ID belongs to the principal.

        Raises TableUnavailable.
        """
        for counter in attempt.counters:
            if counter.id in attempt.counted:
                self._take_back(attempt, counter, now)
        pair = attempt.pair
        if pair is not None and pair.failures and self._is_past(pair, attempt, now):
            self._table.recount(
                pair.id, counted=pair.failures, to=0, last=pair.last, forget_at=now + self._limits.forget_after
            )
        if attempt.known_id is not None and (attempt.known_at is None or now >= attempt.known_at + _DAY):
            self._table.count(attempt.known_id, at=now, forget_at=now + _KNOWN_FOR)

    def _is_past(self, pair: _Counter, attempt: Attempt, now: int) -> bool:
        """Whether what failed with a client ID counts no more: another password, or some time, lies between."""
        return attempt.known_at is None or now >= pair.last + self._limits.forget_after // 8

    def _left(self, counter: _Counter, now: int) -> int:
        """Seconds to wait."""
        wait = self._limits.wait(counter.failures)
        return max(0, counter.last + wait - now) if wait else 0

    def _take_back(self, attempt: Attempt, counter: _Counter, now: int) -> None:
        """All as it was before, or where others have counted meanwhile, one less.

        What was not there stays for a while, with a count of 0: one that has ended would take longer to be counted.
        """
        counted = attempt.counted[counter.id]
        forget_at = now + self._limits.forget_after if counter.forget_at is None else counter.forget_at
        if counted - 1 != counter.failures or not self._table.recount(
            counter.id, counted=counted, to=counter.failures, last=counter.last, forget_at=forget_at
        ):
            self._table.uncount(counter.id)

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
    counters = [_counter(each, items) for each in asked]
    return max((Failed(each.failures, each.last) for each in counters if each.failures), default=None)


def forget(table: Table, principal: str, client_ids: Sequence[str] = ()) -> None:
    """Forgets what strangers have failed for a principal, and all that these clients have, with the one of its name.

    Raises TableUnavailable.
    """
    table.delete(*ids(principal, None))
    for client_id in (principal, *client_ids):
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
    if item is None:
        return _Counter(counter_id)
    failures, last, forget_at = (whole_number(item, name) for name in ("count", "last", "expires_at"))
    return _Counter(counter_id, failures, last, forget_at)
