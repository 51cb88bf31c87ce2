"""The checks of what IoT Core keeps for a client that keeps its HTTPS connection.

The project's stage enables it (`caching_for_http`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck, Run, checks_of
from iot_authorizer_cli.commands.conformance.https import HttpsConnection
from iot_authorizer_cli.commands.conformance.time_checks import CHANGE, LATE, PAUSE, TIME, Watch

_TAKEN = 200


def _cached(clients: Clients) -> str:
    """Statuses of the same request: at first, when the function would refuse it, and when the answer is too old."""
    watch = Watch(clients)
    with HttpsConnection(clients, watch.change) as connection:
        first = connection.publish(clients.topic())
        kept = _last(connection, clients, watch, CHANGE + PAUSE)
        with HttpsConnection(clients, watch.change) as other:
            elsewhere = other.publish(clients.topic())
        last = _last(connection, clients, watch, TIME + LATE) if kept == _TAKEN else kept
    return f"{first}, kept {kept}, on another connection {elsewhere}, at the end {last}"


def _last(connection: HttpsConnection, clients: Clients, watch: Watch, until: float) -> int:
    """The last status of requests until a time, or until one is refused: a refusal may close the connection."""
    status = _TAKEN
    while watch.seconds < until and status == _TAKEN:
        watch.sleep(PAUSE)
        status = connection.publish(clients.topic())
    return status


def _tokens(*tokens: str) -> Run:
    """The statuses of requests on one connection, each with another token; an empty one is the check's own."""

    def run(clients: Clients) -> str:
        with HttpsConnection(clients) as connection:
            return ", ".join(str(connection.publish(clients.topic(), token=token)) for token in tokens)

    return run


_ASKED: Mapping[str, tuple[str, Run]] = {
    "http-cached-token": ("Does an answer count for another token on the same connection?", _tokens("", "wrong", "")),
    "http-cached-refusal": ("Is a refusal kept for the next request on the same connection?", _tokens("wrong", "")),
}
_SLOW: Mapping[str, tuple[str, Run]] = {
    "http-cached": ("How long does an answer count on one connection, and does it on another one?", _cached),
}
CACHING_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {**checks_of(_ASKED), **checks_of(_SLOW, seconds=TIME + LATE)}
)
"""All checks of caching by their names."""
