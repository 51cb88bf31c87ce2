"""Asks IoT Core whether clients are connected, and ends their connections.

- GetConnection says whether one client ID is connected; IoT Core has no operation that lists connections.
- DeleteConnection ends a connection, and with `clean_session` the session too.
- Each question has a time limit for its whole answer. After an endpoint failed to answer once, it is not asked again.
- All questions together have a time limit too: 30 seconds, and one more for each client ID.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlencode

from iot_authorizer_cli.dev_endpoint import DevEndpoint, OperationFailed, Unreachable, within

_LARGEST_ANSWER = 64 * 1024
"""Bytes. Answers of `dev` have a few hundred."""
_ALL_CLIENTS = 30
"""Seconds that asking about all clients may take, and one more for each."""


class Ending(NamedTuple):
    """How a connection ends."""

    clean_session: bool = False
    """Whether to delete the client's session, with its subscriptions and queued messages."""
    no_will: bool = False
    """Whether to discard the client's Will."""


class ConnectionApi(Protocol):
    """The operations on connections. Each raises Unreachable and OperationFailed."""

    def is_connected(self, client_id: str) -> bool:
        """Whether a client is connected now."""
        ...

    def end(self, client_id: str) -> bool:
        """Ends a client's connection. False if it has neither a connection nor a session."""
        ...


class LocalConnectionApi:
    """The operations of `iot-authorizer dev`, over plain HTTP. They need no boto3 and no credentials."""

    def __init__(self, url: str, ending: Ending = Ending()) -> None:  # noqa: B008 (it is immutable)
        """Raises ValueError for a URL that is not one of a plain port."""
        self._dev = DevEndpoint(
            url, "expected http://HOST:PORT, the plain port of dev; AWS's endpoint needs --table as well"
        )
        options = {"cleanSession": ending.clean_session, "preventWillMessage": ending.no_will}
        query = urlencode({name: "true" for name, wanted in options.items() if wanted})
        self._query = f"?{query}" if query else ""

    def is_connected(self, client_id: str) -> bool:
        """GetConnection."""
        content = self._ask("GET", client_id)
        return content is not None and _connected(content)

    def end(self, client_id: str) -> bool:
        """DeleteConnection."""
        return self._ask("DELETE", client_id, self._query) is not None

    def _ask(self, method: str, client_id: str, query: str = "") -> bytes | None:
        """An answer's content; None if there is no such client."""
        answer = self._dev.ask(method, f"/connections/{quote(client_id, safe='')}{query}", _LARGEST_ANSWER)
        if answer.status == 200 and len(answer.content) <= _LARGEST_ANSWER:
            return answer.content
        problem = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
        if problem == "ResourceNotFoundException":
            return None
        raise OperationFailed(problem or f"{self._dev.url} answers {answer.status}, and is not iot-authorizer dev")


def _connected(content: bytes) -> bool:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    connected = found.get("connected") if isinstance(found, dict) else None
    if not isinstance(connected, bool):
        raise OperationFailed("the answer does not say whether the client is connected: it is not iot-authorizer dev")
    return connected


class Ended(NamedTuple):
    """What happened to the connections of some clients, by client ID."""

    ended: tuple[str, ...] = ()
    """Clients that were connected."""
    not_connected: tuple[str, ...] = ()
    """Clients that were not."""
    failed: tuple[tuple[str, str], ...] = ()
    """Clients that may still be connected, each with the reason."""
    not_asked: tuple[str, ...] = ()
    """Clients that the endpoint was not asked about, because it did not answer."""
    unreachable: Unreachable | None = None
    """Why it did not answer."""


def end_all(
    connections: ConnectionApi,
    client_ids: Sequence[str],
    *,
    patience: float,
    also_sessions: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Ended:
    """Ends the connections of clients that are connected.

    `patience` is the time limit for an answer, in seconds. `also_sessions` also ends sessions without a connection.
    """
    outcomes: dict[bool, list[str]] = {True: [], False: []}
    failed: list[tuple[str, str]] = []
    unreachable: Unreachable | None = None
    asked = 0
    last = clock() + _ALL_CLIENTS + len(client_ids)
    for client_id in client_ids:
        try:
            if clock() > last:
                raise Unreachable("it is too slow: give fewer client IDs at once")
            connected = within(patience, partial(connections.is_connected, client_id))
            ended = (connected or also_sessions) and within(patience, partial(connections.end, client_id))
            outcomes[connected and ended].append(client_id)
        except OperationFailed as error:
            failed.append((client_id, str(error)))
        except Unreachable as error:
            unreachable = error
            break
        asked += 1
    return Ended(tuple(outcomes[True]), tuple(outcomes[False]), tuple(failed), tuple(client_ids[asked:]), unreachable)
