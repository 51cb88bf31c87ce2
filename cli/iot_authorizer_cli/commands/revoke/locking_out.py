"""Carries out a revocation: writes it, then ends connections.

- The revocation is written first, so that a client that is disconnected and connects again at once is refused.
- Authorizers cache what the table says for `cache_for` seconds, and an invocation takes up to 5. In that time, a client
  may connect again. So the command looks every second until then, and ends such connections again.
- HTTPS requests have no connection that the API could end. With `enableCachingForHttp`, IoT Core keeps the answer for a
  client that keeps its HTTP connection, until the template's `refresh_after`.
- A client that is connected after that was not locked out: its authorizer does not look up this revocation. Unless
  newer tokens are accepted: then the client may have one.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from iot_authorizer_cli.commands.revoke.client_ids import ClientIds, KnownConfiguration, granted
from iot_authorizer_cli.commands.revoke.connections import ConnectionApi, Ended, end_all
from iot_authorizer_cli.dev_endpoint import NothingListens
from iot_authorizer_cli.terminal import warn
from iot_identities import revocations, user
from iot_identities.reading import MalformedItem
from iot_identities.revocations import Kind, Revocation
from iot_identities.table import Item, Table
from iot_policies import Principal
from iot_policies.durations import duration_text


@dataclass(frozen=True)
class RevocationTarget:
    """The table that revocations are written to, and the endpoint whose connections end."""

    table: Table
    table_name: str
    """The name in DynamoDB, or the file."""
    known: KnownConfiguration
    connections: ConnectionApi
    patience: float
    """Seconds that the endpoint has for a complete answer."""
    pause: Callable[[float], None] | None
    """Waits for so many seconds; None to end connections only once."""
    is_new: bool = False
    """Whether the table was just created, so that no authorizer has read it."""
    endpoint_required: bool = True
    """Whether it is an error if nothing listens at the endpoint."""
    also_sessions: bool = False
    """Whether sessions without a connection end too."""
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class LockedOut:
    """What was done."""

    revocation: Revocation
    replaced: Revocation | None
    """The revocation that this one replaced."""
    ended: Ended
    """What happened at first; `failed` and `not_asked` are those of the last look."""
    ended_later: tuple[str, ...]
    """Clients that connected again by a cached answer, and were disconnected again."""
    still_allowed: tuple[str, ...]
    """Clients that were connected after all caches had ended: the revocation was not looked up."""
    unknown: tuple[str, ...]
    """Client IDs that cannot be looked up, as the template has them."""
    failed: bool
    """Whether clients that the revocation concerns may still be connected, or can connect again."""


def lock_out(revocation: Revocation, given: tuple[str, ...], target: RevocationTarget) -> LockedOut:
    """Writes a revocation, and ends the connections of its principal and of the given client IDs.

    Raises TableUnavailable and ValueError; nothing was written then.
    """
    name = revocation.principal
    user_ids = [] if name is None or not user.may_be_a_user(name) else [user.user_id(name)]
    items = target.table.read([revocation.id, *user_ids])
    target.table.write(revocations.to_item(revocation))
    _warn_of_table(target)
    found = ClientIds() if name is None else _client_ids(name, target.known, items)
    if (left := _left_connected(name, given, target.known, found)) is not None:
        warn(left)
    ended, later, at_last = _end_and_look_again(list(dict.fromkeys((*given, *found.known))), target)
    final = revocation.kind is Kind.PRINCIPAL and revocation.issued_before is None
    if at_last:
        warn(_still_allowed(at_last, target, final=final))
    not_asked = ended.not_asked and (target.endpoint_required or not isinstance(ended.unreachable, NothingListens))
    return LockedOut(
        revocation=revocation,
        replaced=_before(revocation, items),
        ended=ended,
        ended_later=later,
        still_allowed=at_last if final else (),
        unknown=found.unknown,
        failed=bool(ended.failed or not_asked or (at_last and final)),
    )


def _warn_of_table(target: RevocationTarget) -> None:
    if target.is_new:
        warn(f"{target.table_name} was just created: no authorizer has read it yet")
    if target.known.file is not None and target.known.file.table is None:
        warn(f'{target.known.path} has no table = "NAME": its authorizer does not look up revocations')


def _client_ids(name: str, known: KnownConfiguration, items: Mapping[str, Item]) -> ClientIds:
    if known.template is None:
        return ClientIds()
    item = items.get(user.PREFIX + name)
    try:
        stored = {} if item is None else user.from_item(item).claims
    except MalformedItem:  # The authorizer refuses this user.
        stored = {}
    return granted(known.template, Principal(name, {**known.claims.get(name, {}), **stored}))


def _before(revocation: Revocation, items: Mapping[str, Item]) -> Revocation | None:
    try:
        return revocations.from_item(items[revocation.id]) if revocation.id in items else None
    except MalformedItem:
        return None


def _left_connected(
    name: str | None, given: tuple[str, ...], known: KnownConfiguration, found: ClientIds
) -> str | None:
    """Says which connections stay, and until when; None if there are none."""
    longest = known.refreshed_after
    refresh = "" if longest is None else f", within {duration_text(longest)}"
    stay = f"stay connected until their next refresh{refresh}; --client-id disconnects them now"
    if name is None:
        return None if given else f"IoT Core cannot list connections: clients with such a token {stay}"
    if known.template is None:
        return None if given else f"{known.no_template} (--config): clients of {name} {stay}"
    if not found.unknown:
        return None
    return f"IoT Core cannot list connections: clients connected as {', '.join(found.unknown)} {stay}"


def _still_allowed(client_ids: tuple[str, ...], target: RevocationTarget, *, final: bool) -> str:
    doubt = "the authorizer there does not look up this revocation"
    reason = doubt if final else f"with a newer token, or {doubt}"
    cached = duration_text(target.known.cache_for)
    where = f"it was written to {target.table_name}, and answers are cached for {cached}"
    return f"{', '.join(client_ids)} connected again: {reason}: {where} (check --table, --data and --config)"


def _end_and_look_again(
    client_ids: list[str], target: RevocationTarget
) -> tuple[Ended, tuple[str, ...], tuple[str, ...]]:
    """Ends connections, and looks again until no authorizer has a cached answer.

    Returns what happened, the clients that were disconnected again, and those that were connected at the end.
    """
    end = partial(
        end_all,
        target.connections,
        client_ids,
        patience=target.patience,
        also_sessions=target.also_sessions,
        clock=target.clock,
    )
    first = last = end()
    later: dict[str, None] = {}
    at_last: tuple[str, ...] = ()
    if client_ids and target.pause is not None and first.unreachable is None:
        seconds = target.known.refused_after
        kept = f"authorizers cache answers for {duration_text(target.known.cache_for)}"
        looking = f"looking for {duration_text(seconds)} whether clients connect again"
        warn(f"revoked; {kept}: {looking} (--no-wait skips this)")
        begin, over, looks = target.clock(), False, 0
        while not over and last.unreachable is None:
            target.pause(1)
            looks += 1
            over = looks == seconds or target.clock() - begin >= seconds  # A slow endpoint does not prolong it.
            last = end()
            later |= dict.fromkeys(last.ended)
        at_last = last.ended if over else ()
    if last.unreachable is not None:
        missed = "no connection was ended" if last is first and not first.ended else "not all clients were asked about"
        warn(f"revoked, but {missed}: {last.unreachable}")
    ended = first._replace(failed=last.failed, not_asked=last.not_asked, unreachable=last.unreachable)
    return ended, tuple(later), at_last
