"""The checks of what IoT Core keeps for a client that keeps its HTTPS connection.

The project's stage enables it (`caching_for_http`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck, Run, checks_of
from iot_authorizer_cli.commands.conformance.https import HttpsConnection
from iot_authorizer_cli.commands.conformance.time_checks import CHANGE, LATE, PAUSE, TIME, Watch


def _cached(clients: Clients) -> str:
    """Statuses of the same request: at first, when the function would refuse it, and when the answer is too old."""
    watch = Watch(clients)
    with HttpsConnection(clients, watch.change) as connection:
        found = [connection.publish(clients.topic())]
        while watch.seconds < CHANGE + PAUSE:
            watch.sleep(PAUSE)
            found.append(connection.publish(clients.topic()))
        with HttpsConnection(clients, watch.change) as other:
            elsewhere = other.publish(clients.topic())
        kept = found[-1]
        while watch.seconds < TIME + LATE:
            watch.sleep(PAUSE)
            found.append(connection.publish(clients.topic()))
    return f"{found[0]}, kept {kept}, on another connection {elsewhere}, at the end {found[-1]}"


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
