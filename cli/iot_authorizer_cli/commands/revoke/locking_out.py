"""A revocation, carried out: written first, so that who is thrown out and comes back at once is refused."""

from collections.abc import Mapping
from dataclasses import dataclass

from iot_authorizer_cli.commands.revoke.connections import Ended, NobodyThere
from iot_authorizer_cli.commands.revoke.ending import end_and_look_again
from iot_authorizer_cli.commands.revoke.granted import Granted, granted
from iot_authorizer_cli.commands.revoke.known import Known
from iot_authorizer_cli.commands.revoke.place import Place
from iot_authorizer_cli.commands.revoke.wording import as_duration
from iot_identities import revocations, user
from iot_identities.passwords import LONGEST_USER_NAME
from iot_identities.reading import MalformedItem
from iot_identities.revocations import Kind, Revocation
from iot_identities.table import Item
from iot_policies import Principal

_LISTS_NONE = "IoT Core lists no connections"


@dataclass(frozen=True)
class Order:
    """Who is to be locked out."""

    revocation: Revocation
    principal: Principal | None
    """Whose connections end, with the claims of its token; None where nobody can tell whose they are."""
    client_ids: tuple[str, ...]
    """Those that are given."""
    remarks: tuple[str, ...] = ()
    """What a user should know of it, a line each."""

    @property
    def lets_nobody_back_in(self) -> bool:
        """Whether no client of the principal may connect again, with a newer token either."""
        return self.revocation.kind is Kind.PRINCIPAL and self.revocation.issued_before is None


@dataclass(frozen=True)
class LockedOut:
    """What was done."""

    revocation: Revocation
    replaced: Revocation | None
    """The one that was there before."""
    table: str
    """Where it was written."""
    ended: Ended
    ended_later: tuple[str, ...]
    """The client IDs that came back, by what an authorizer had read before, and were ended then."""
    let_in: tuple[str, ...]
    """Those of them that came back when no authorizer had an older answer any more: it was not looked up."""
    untold: tuple[str, ...]
    """Client IDs that nobody can look up, as the template has them."""
    in_vain: bool
    """Whether clients may still be connected, or come back, whom this was to lock out."""


def lock_out(order: Order, place: Place) -> LockedOut:
    """Writes a revocation, and ends connections: at once, and again when no authorizer has an older answer.

    Raises TableUnavailable, where nothing was done, and ValueError for what no table takes.
    """
    items = place.table.read(list(dict.fromkeys((order.revocation.id, *_user_ids(order.principal)))))
    place.table.write(revocations.to_item(order.revocation))
    for remark in order.remarks:
        place.tell(remark)
    if place.is_new:
        place.tell(f"{place.table_name} is new: no authorizer has looked anything up there so far")
    if place.known.file is not None and place.known.file.table is None:
        place.tell(f'{place.known.path} has no table = "NAME": its authorizer looks no revocation up')
    known = _granted(order, place.known, items)
    if (left := _left(order, place.known, known)) is not None:
        place.tell(left)
    client_ids = list(dict.fromkeys((*order.client_ids, *known.client_ids)))
    ended, later, at_last = end_and_look_again(client_ids, place)
    let_in = at_last if order.lets_nobody_back_in else ()
    if at_last:
        place.tell(_let_in(at_last, place, sure=bool(let_in)))
    expected = place.expected or not isinstance(ended.unreachable, NobodyThere)
    return LockedOut(
        revocation=order.revocation,
        replaced=_before(order.revocation, items),
        table=place.table_name,
        ended=ended,
        ended_later=later,
        let_in=let_in,
        untold=known.untold,
        in_vain=bool(ended.failed or let_in or (ended.not_asked and expected)),
    )


def _let_in(client_ids: tuple[str, ...], place: Place, *, sure: bool) -> str:
    seconds = as_duration(place.known.cache_for)
    doubt = "the authorizer there does not look this revocation up"
    reason = doubt if sure else f"with a newer token, or else {doubt}"
    where = f"it was written to {place.table_name}, and {seconds} is how long an answer is kept"
    return f"{', '.join(client_ids)} came back all the same: {reason}: {where} (check --table, --data and --config)"


def _user_ids(principal: Principal | None) -> list[str]:
    name = "" if principal is None else principal.name
    return [user.user_id(name)] if 1 <= len(name) <= LONGEST_USER_NAME else []


def _before(revocation: Revocation, items: Mapping[str, Item]) -> Revocation | None:
    try:
        return revocations.from_item(items[revocation.id]) if revocation.id in items else None
    except MalformedItem:
        return None


def _granted(order: Order, known: Known, items: Mapping[str, Item]) -> Granted:
    if order.principal is None or known.template is None:
        return Granted((), ())
    name, claims = order.principal
    if not known.joins_stored_claims(claims):
        return granted(known.template, order.principal)
    stored: Mapping[str, object] = {}
    for id in _user_ids(order.principal):
        try:
            stored = user.from_item(items[id]).claims if id in items else {}
        except MalformedItem:  # The Lambda lets nobody in with it.
            continue
    in_file = known.claims.get(name, {})
    return granted(known.template, Principal(name, {**claims, **in_file, **stored}))


def _left(order: Order, known: Known, found: Granted) -> str | None:
    """Which connections are left, and until when."""
    template = known.template
    refreshed = "refreshed" if template is None else f"refreshed, within {as_duration(template.session.refresh_after)}"
    ends = f"ends when it is {refreshed}; --client-id ends it now"
    if order.principal is None:
        return None if order.client_ids else f"{_LISTS_NONE}: what is connected with such a token {ends}"
    if template is None:
        whose = f"what {order.principal.name} has connected"
        return None if order.client_ids else f"{known.why_none} (--config): {whose} {ends}"
    return f"{_LISTS_NONE}: what is connected as {', '.join(found.untold)} {ends}" if found.untold else None
