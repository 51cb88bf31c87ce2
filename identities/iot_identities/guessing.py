"""Limits guessing of passwords to 10 at once, and then one every 15 minutes.

The rules, with the default limits:
1. A counter has room for 10 attempts (`lock_after`) and forgets one every 15 minutes (`lock_for`): a leaky bucket. The
   time at which it is empty is its whole state, the item's `expires_at`.
2. An attempt is counted before its password is looked at, in one conditional write. If the counter is full or cannot be
   written, the attempt is refused. A refused attempt does not lengthen the lock.
3. A right password is taken off the counter again. If the table refuses its user for another reason, it stays counted:
   taking it off would take longer and tell that the password is right.
4. IoT Core tells no address, and a stranger chooses its client ID. So a counter belongs to a principal, whether it
   exists or not.
5. A client ID that the principal signed in with is known for 30 days and has a counter of its own for this principal.
   So strangers cannot lock it out.
6. Generated passwords cannot be guessed. No lock stops them, and a user with only such passwords is not counted.
7. Every refusal costs one read, one write and the same number of hashes, in a lock too. If a locked attempt were
   answered without the hashes, a slow answer at a name with 10 failures would tell that this name exists, with a
   generated password or with this client ID. A flood would not be cheaper: it sends a new name each time, and a new
   name needs the hashes, or a fast answer would tell that it does not exist.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from iot_identities.reading import whole_number
from iot_identities.table import Item, Table

PREFIX = "failures#"
"""The prefix of every item that the Lambda writes: its role allows no other IDs."""
_DAY = 86_400
_KNOWN_FOR = 30 * _DAY
"""Seconds that a client ID is known after a sign-in."""
_CLOCKS_DIFFER = 60
"""Seconds that the wall clocks of two machines may differ."""


@dataclass(frozen=True, slots=True)
class GuessingLimits:
    """When guessing is locked."""

    lock_after: int = 10
    """Attempts that a counter has room for."""
    lock_for: int = 15 * 60
    """Seconds after which a counter forgets one attempt."""


@dataclass(slots=True)
class Attempt:
    """One attempt to sign in."""

    counter: str
    """The ID of its counter: the principal's, or that of its known client ID."""
    empty_at: int | None
    """When the counter is empty, in seconds since 1970; None if it is empty now."""
    known: str | None
    """The ID of the item that says that the client ID is known; None without a client ID."""
    known_at: int | None
    """When the principal last signed in with this client ID; None if the client ID is not known."""
    outdated: str | None
    """The ID of a counter that a sign-in clears: it counted guesses at an earlier password."""
    is_written: bool = False
    """Whether it has made its one write."""


class Guard:
    """Counts attempts and says which are refused. Each method raises TableUnavailable."""

    def __init__(self, table: Table, limits: GuessingLimits) -> None:
        self._table = table
        self._limits = limits

    def begin(self, attempt: Attempt, now: int) -> str | None:
        """Counts the attempt and returns None, or returns why its password must not be looked at."""
        room = self._limits.lock_after * self._limits.lock_for
        full_for = (attempt.empty_at or now) + self._limits.lock_for - room - now
        if full_for > 0:
            return f"{full_for}s"
        attempt.is_written = True
        is_counted = self._table.extend(
            attempt.counter, now=now, by=self._limits.lock_for, most=room, seen=attempt.empty_at is not None
        )
        return None if is_counted else "too many attempts at once"

    def refused(self, attempt: Attempt, now: int) -> None:
        """Makes the write that every refusal costs, in an item beside, unless `begin` made it."""
        if not attempt.is_written:
            self._table.keep(f"{attempt.counter}#beside", until=now + self._limits.lock_for)

    def succeeded(self, attempt: Attempt, now: int) -> None:
        """Takes the attempt off its counter, and notes once a day that the client ID is known."""
        self._table.shorten(attempt.counter, by=self._limits.lock_for)
        if attempt.outdated is not None:
            self._table.keep(attempt.outdated, until=now)
        if attempt.known is not None and (attempt.known_at is None or now >= attempt.known_at + _DAY):
            self._table.keep(attempt.known, until=now + _KNOWN_FOR)


def attempt(
    principal: str, client_id: str | None, items: Mapping[str, Item], now: int, known_since: int | None = 0
) -> Attempt:
    """Prepares an attempt from the items that `ids` names. Raises MalformedItem.

    A client ID is known only by a sign-in since `known_since`, when the oldest stored password was set; None if no
    password is stored. A sign-in in the future does not count: it would be known for longer than 30 days.
    """
    of_principal, *of_client = ids(principal, client_id)
    if not of_client:
        return Attempt(of_principal, _end(items, of_principal), None, None, None)
    own, known = of_client
    known_until = _end(items, known)
    known_at = None if known_until is None else known_until - _KNOWN_FOR
    if known_at is not None and known_since is not None and known_since <= known_at <= now + _CLOCKS_DIFFER:
        return Attempt(own, _end(items, own), known, known_at, None)
    return Attempt(of_principal, _end(items, of_principal), known, None, own if own in items else None)


def forgotten_at(table: Table, principal: str, client_id: str | None) -> int | None:
    """When all failures of unknown clients, or with `client_id` of this known one, are forgotten; None for no failures.

    In seconds since 1970. Raises TableUnavailable and MalformedItem.
    """
    counter = ids(principal, client_id)[0 if client_id is None else 1]
    return _end(table.read([counter]), counter)


def forget(table: Table, principal: str, client_ids: Sequence[str] = ()) -> None:
    """Clears the failures of unknown clients for a principal, and those of these client IDs and of its own name.

    Raises TableUnavailable.
    """
    table.delete(ids(principal, None)[0])
    for client_id in (principal, *client_ids):
        table.delete(ids(principal, client_id)[1])


def ids(principal: str, client_id: str | None) -> tuple[str, ...]:
    """The IDs of the items that an attempt needs.

    They are the principal's counter, and with a client ID its counter and the item that says that it is known.
    """
    of_principal = _id("principal", principal)
    if client_id is None:
        return (of_principal,)
    return of_principal, _id("client", principal, client_id), _id("known", principal, client_id)


def _id(kind: str, *names: str) -> str:
    """Hashes the names, since a DynamoDB key has at most 2,048 bytes."""
    return f"{PREFIX}{kind}#{sha256(json.dumps(names).encode()).hexdigest()}"


def _end(items: Mapping[str, Item], id: str) -> int | None:
    """When an item expires; None if it is missing."""
    return whole_number(items[id], "expires_at") if id in items else None
