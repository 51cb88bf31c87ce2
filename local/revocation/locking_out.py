"""A revocation, carried out: written first, so that who is thrown out and comes back at once is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from identities import revocations, user
from identities.passwords import LONGEST_USER_NAME
from identities.reading import MalformedItem
from identities.revocations import Revocation
from identities.table import Item, Table
from local.gateway.configured import Configured
from local.revocation.connections import Connections, Ended, Unreachable, end_all
from local.revocation.granted import Granted, granted
from local.revocation.wording import as_duration
from policies import Principal

_MARGIN = 1
"""Seconds more than the authorizers keep what they read: an invocation may have been under way."""
_LISTS_NONE = "IoT Core lists no connections"


@dataclass(frozen=True)
class Order:
    """Who is to be locked out."""

    revocation: Revocation
    principal: Principal | None
    """Whose connections end, with the claims of its token; None where nobody can tell whose they are."""
    client_ids: tuple[str, ...]
    """Those that are given."""


@dataclass(frozen=True)
class Place:
    """Where that happens, and how much of it is told."""

    table: Table
    configured: Configured
    connections: Connections
    tell: Callable[[str], None]
    """Takes what a user should know meanwhile, a line each."""
    pause: Callable[[float], None] | None
    """Waits for so many seconds; None where nobody looks for clients that came back."""


@dataclass(frozen=True)
class LockedOut:
    """What was done."""

    revocation: Revocation
    replaced: Revocation | None
    """The one that was there before."""
    ended: Ended
    ended_later: tuple[str, ...]
    """The client IDs that came back, by what an authorizer had read before, and were ended then."""
    untold: tuple[str, ...]
    """Client IDs that nobody can look up, as the template has them."""
    unreachable: bool
    """Whether nobody was there to end connections."""


def lock_out(order: Order, place: Place) -> LockedOut:
    """Writes a revocation, and ends connections: at once, and again when no authorizer has an older answer.

    Raises TableUnavailable, where nothing was done, and ValueError for what no table takes.
    """
    items = place.table.read(list(dict.fromkeys((order.revocation.id, *_user_ids(order.principal)))))
    place.table.write(revocations.to_item(order.revocation))
    if place.configured.table is None and place.configured.path.exists():
        place.tell(f'{place.configured.path} has no table = "NAME": its authorizer looks no revocation up')
    known = _granted(order, place.configured, items)
    if (left := _left(order, place.configured, known)) is not None:
        place.tell(left)
    client_ids = list(dict.fromkeys((*order.client_ids, *known.client_ids)))
    return _end(order.revocation, _before(order.revocation, items), known, client_ids, place)


def _end(
    revocation: Revocation, replaced: Revocation | None, known: Granted, client_ids: Sequence[str], place: Place
) -> LockedOut:
    ended, later, unreachable = Ended((), (), {}), Ended((), (), {}), False
    try:
        ended = later = end_all(place.connections, client_ids)
        if client_ids and place.pause is not None:
            later = _look_again(client_ids, place, place.pause)
    except Unreachable as error:
        unreachable = True
        place.tell(f"revoked, but {'not looked again' if ended.ended else 'no connection was ended'}: {error}")
    came_back = () if later is ended else later.ended
    return LockedOut(revocation, replaced, ended._replace(failed=later.failed), came_back, known.untold, unreachable)


def _look_again(client_ids: Sequence[str], place: Place, pause: Callable[[float], None]) -> Ended:
    """Ends each second what came back, until no authorizer has an answer from before: IoT Core lets nobody in oftener.

    Gives what was ended in all that time, and what could not be at last. Raises Unreachable.
    """
    seconds = place.configured.cache_for + _MARGIN
    kept = f"the authorizers keep what they read for {as_duration(place.configured.cache_for)}"
    place.tell(f"revoked; {kept}: looking for who comes back for {as_duration(seconds)} (not with --no-wait)")
    ended: dict[str, None] = {}
    for _ in range(seconds):
        pause(1)
        found = end_all(place.connections, client_ids)
        ended |= dict.fromkeys(found.ended)
    return found._replace(ended=tuple(ended))


def _user_ids(principal: Principal | None) -> list[str]:
    name = "" if principal is None else principal.name
    return [user.user_id(name)] if 1 <= len(name) <= LONGEST_USER_NAME else []


def _before(revocation: Revocation, items: Mapping[str, Item]) -> Revocation | None:
    try:
        return revocations.from_item(items[revocation.id]) if revocation.id in items else None
    except MalformedItem:
        return None


def _granted(order: Order, configured: Configured, items: Mapping[str, Item]) -> Granted:
    if order.principal is None or configured.template is None:
        return Granted((), ())
    name, claims = order.principal
    stored: Mapping[str, object] = {}
    for id in _user_ids(order.principal):
        try:
            stored = user.from_item(items[id]).claims if id in items else {}
        except MalformedItem:  # The Lambda lets nobody in with it.
            continue
    in_file = configured.stored_claims.in_file.get(name, {})
    return granted(configured.template, Principal(name, {**claims, **in_file, **stored}))


def _left(order: Order, configured: Configured, known: Granted) -> str | None:
    """Which connections are left, and until when."""
    template = configured.template
    refreshed = "refreshed" if template is None else f"refreshed, within {as_duration(template.session.refresh_after)}"
    ends = f"ends when it is {refreshed}; --client-id ends it now"
    if order.principal is None:
        return None if order.client_ids else f"{_LISTS_NONE}: what is connected with such a token {ends}"
    if template is None:
        unknown = f"{configured.path} names no policy template" if configured.path.exists() else "no configuration here"
        return None if order.client_ids else f"{unknown} (--config): what {order.principal.name} has connected {ends}"
    return f"{_LISTS_NONE}: what is connected as {', '.join(known.untold)} {ends}" if known.untold else None
