"""The end of connections: at once, and again when no authorizer has an older answer."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from iot_authorizer_cli.commands.revoke.connections import Ended, end_all
from iot_authorizer_cli.commands.revoke.place import Place
from iot_authorizer_cli.commands.revoke.wording import as_duration

_MARGIN = 1
"""Seconds more than the authorizers keep what they read: an invocation may have been under way."""


class Outcome(NamedTuple):
    """What became of them."""

    ended: Ended
    """At first, but for what was left at last: what failed, and what nobody could be asked about."""
    later: tuple[str, ...]
    """The client IDs that came back, and were ended again."""
    at_last: tuple[str, ...]
    """Those of them that were there when no authorizer had an older answer any more."""


def end_and_look_again(client_ids: Sequence[str], place: Place) -> Outcome:
    """Ends connections. Where nobody answers it tells so, and asks no more."""
    first = last = end_all(place.connections, client_ids, also_sessions=place.also_sessions, clock=place.clock)
    later: tuple[str, ...] = ()
    at_last: tuple[str, ...] = ()
    if client_ids and place.pause is not None and first.unreachable is None:
        last, later, over = _look_again(client_ids, place, place.pause)
        at_last = last.ended if over else ()
    if last.unreachable is not None:
        missed = "no connection was ended" if last is first and not first.ended else "not all were looked for"
        place.tell(f"revoked, but {missed}: {last.unreachable}")
    ended = first._replace(failed=last.failed, not_asked=last.not_asked, unreachable=last.unreachable)
    return Outcome(ended, later, at_last)


def _look_again(
    client_ids: Sequence[str], place: Place, pause: Callable[[float], None]
) -> tuple[Ended, tuple[str, ...], bool]:
    """Ends each second what came back, until no authorizer has an answer from before: IoT Core lets nobody in oftener.

    Gives the last look, what was ended in all of them, and whether the last one was late enough.
    """
    seconds = place.known.cache_for + _MARGIN
    kept = f"the authorizers keep what they read for {as_duration(place.known.cache_for)}"
    place.tell(f"revoked; {kept}: looking for who comes back for {as_duration(seconds)} (not with --no-wait)")
    ended: dict[str, None] = {}
    found, begin = Ended(), place.clock()
    for look in range(1, seconds + 1):
        pause(1)
        over = look == seconds or place.clock() - begin >= seconds  # An endpoint that is slow makes it no longer.
        found = end_all(place.connections, client_ids, also_sessions=place.also_sessions, clock=place.clock)
        ended |= dict.fromkeys(found.ended)
        if over or found.unreachable is not None:
            return found, tuple(ended), over
    return found, tuple(ended), True
