"""Limits guessing of passwords: after failed attempts, the next attempt has to wait, longer each time.

The rules:
1. A failure counts against the principal and against the client ID. IoT Core tells an authorizer no address.
2. A principal that does not exist is counted like one that does.
3. After `slow_after` failures the next attempt waits 1 s, 2 s, 4 s, …; after `lock_after` it waits `lock_for`.
4. An attempt during a wait is refused without looking at its password, and does not make the wait longer.
5. A client ID that the principal signed in with is known for 30 days and has a counter of its own for this principal.
   So other clients cannot lock it out by failing in the principal's name.
6. Generated passwords cannot be guessed and are never locked.
7. An unknown client's attempt is counted before its password is checked, and taken back if the password is right. So
   of many attempts at once, no more are checked than one after the other.
8. A right password clears earlier failures with its client ID (NIST SP 800-63B, section 5.2.2), but not very recent
   ones. Otherwise another client with this client ID could guess again after each sign-in.
9. Each refused attempt makes two writes, so that its duration tells nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from iot_identities.reading import whole_number
from iot_identities.table import Counters, Item, ItemChanged, Table

PREFIX = "failures#"
"""The prefix of every item that the Lambda writes: its role allows no other IDs."""
_DAY = 86_400
_KNOWN_FOR = 30 * _DAY
"""Seconds that a client ID is known after a sign-in."""


@dataclass(frozen=True, slots=True)
class GuessingLimits:
    """When guessing is slowed, and locked. All times in seconds."""

    slow_after: int = 5
    """From this number of failures on, the next attempt waits 1 s, 2 s, 4 s, …"""
    lock_after: int = 10
    """From this number of failures on, the next attempt waits `lock_for`."""
    lock_for: int = 15 * 60
    forget_after: int = _DAY
    """Failures are forgotten this long after the last one; after an eighth of it, a sign-in clears its client ID's."""

    def wait(self, failures: int) -> int:
        """How long the next attempt waits after this number of failures."""
        if failures < self.slow_after:
            return 0
        return self.lock_for if failures >= self.lock_after else min(self.lock_for, 1 << (failures - self.slow_after))


class _Counter(NamedTuple):
    id: str
    failures: int = 0
    last: int = 0
    forget_at: int | None = None
    """When the item expires; None if it does not exist."""
    is_spare: bool = False
    """Whether it is a dummy counter, written only so that every refusal costs the same number of writes."""


@dataclass(slots=True)
class Attempt:
    """One attempt to sign in."""

    counters: tuple[_Counter, ...]
    """The two counters that count a failure."""
    pair: _Counter | None
    """Counts failures of the principal with this client ID once it is known; None without a client ID."""
    known_id: str | None
    """The ID of the item that says that the principal signed in with this client ID; None without a client ID."""
    known_at: int | None
    """When that item was written; None if the client ID is not known."""
    counted: dict[str, int] = field(default_factory=dict)
    """The counters that counted this attempt already, with their counts."""
    wait: int = 0
    """Seconds until another attempt is allowed, if `begin` refused this one."""


class Guard:
    """Counts failed attempts and says which attempts have to wait."""

    def __init__(self, table: Counters, limits: GuessingLimits) -> None:
        self._table = table
        self._limits = limits

    def attempt(
        self, principal: str, client_id: str | None, items: Mapping[str, Item], known_since: int | None = 0
    ) -> Attempt:
        """Prepares an attempt from the items that `ids` names. Raises MalformedItem.

        A client ID is known only by a sign-in since `known_since`, when the oldest stored password was set; None if no
        password is stored.
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
        """Whether the password may be checked. Counts the attempt first, unless a known client has failed rarely.

        Raises TableUnavailable.
        """
        counters = [counter for counter in attempt.counters if not counter.is_spare]
        attempt.wait = max(self._left(counter, now) for counter in counters)
        for counter in counters:
            if attempt.wait == 0 and (attempt.known_at is None or counter.failures >= self._limits.slow_after):
                attempt.wait = 0 if self._count_first(attempt, counter, now) else 1
        return attempt.wait == 0

    def failed(self, attempt: Attempt, now: int, *, right: bool = False) -> None:
        """Counts the failure unless `begin` counted it.

        An attempt during a wait is counted in an item beside, so the wait gets no longer. So is an attempt with the
        `right` password that is refused for another reason, unless `begin` counted it: taking it back would take longer
        and tell that the password is right. Raises TableUnavailable.
        """
        for counter in attempt.counters:
            if counter.id not in attempt.counted:
                beside = right or attempt.wait > 0 or self._left(counter, now) > 0
                self._count(f"{counter.id}#beside" if beside else counter.id, now)
            elif attempt.wait > 0:
                self._take_back(attempt, counter, now)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        """Takes back what `begin` counted and writes once a day that the principal signed in with this client ID.

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
        """Whether earlier failures with this client ID are cleared: the password is new, or they are long ago."""
        return attempt.known_at is None or now >= pair.last + self._limits.forget_after // 8

    def _left(self, counter: _Counter, now: int) -> int:
        """Seconds that an attempt has to wait for this counter."""
        wait = self._limits.wait(counter.failures)
        return max(0, counter.last + wait - now) if wait else 0

    def _take_back(self, attempt: Attempt, counter: _Counter, now: int) -> None:
        """Restores the counter, or subtracts 1 if other attempts were counted meanwhile.

        A counter that did not exist stays with a count of 0: to count in an expired one would take longer.
        """
        counted = attempt.counted[counter.id]
        forget_at = now + self._limits.forget_after if counter.forget_at is None else counter.forget_at
        if counted - 1 != counter.failures or not self._table.recount(
            counter.id, counted=counted, to=counter.failures, last=counter.last, forget_at=forget_at
        ):
            self._table.uncount(counter.id)

    def _count_first(self, attempt: Attempt, counter: _Counter, now: int) -> bool:
        """Counts the attempt and says if it may go on. Of several suspicious attempts at once, one may."""
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
    """The failures of a counter."""

    times: int
    last: int
    """When the last one was, in seconds since 1970."""


def failed_by(table: Table, principal: str, client_id: str | None) -> Failed | None:
    """The failures of unknown clients for a principal, or with `client_id` those of this client ID; None for none.

    Raises TableUnavailable and MalformedItem.
    """
    of_principal, *others = ids(principal, client_id)
    asked = others[:2] or [of_principal]
    items = table.read(asked)
    counters = [_counter(each, items) for each in asked]
    return max((Failed(each.failures, each.last) for each in counters if each.failures), default=None)


def forget(table: Table, principal: str, client_ids: Sequence[str] = ()) -> None:
    """Clears the failures of unknown clients for a principal, and those of these client IDs and of its own name.

    Raises TableUnavailable.
    """
    table.delete(*ids(principal, None))
    for client_id in (principal, *client_ids):
        _, of_client, of_pair, _ = ids(principal, client_id)
        for each in (of_client, of_pair):
            table.delete(each)


def ids(principal: str, client_id: str | None) -> tuple[str, ...]:
    """The IDs of the items that an attempt needs: the principal's, and with a client ID three more."""
    found = (_id("principal", principal),)
    if client_id is None:
        return found
    pair = (principal, client_id)
    return (*found, _id("client", client_id), _id("pair", *pair), _id("known", *pair))


def _id(kind: str, *names: str) -> str:
    """Hashes the names, since a DynamoDB key has at most 2,048 bytes."""
    return f"{PREFIX}{kind}#{sha256(json.dumps(names).encode()).hexdigest()}"


def _counter(counter_id: str, items: Mapping[str, Item]) -> _Counter:
    item = items.get(counter_id)
    if item is None:
        return _Counter(counter_id)
    failures, last, forget_at = (whole_number(item, name) for name in ("count", "last", "expires_at"))
    return _Counter(counter_id, failures, last, forget_at)
