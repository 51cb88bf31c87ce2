"""Asks IoT Core whether clients are connected, and ends their connections.

- GetConnection says whether one client ID is connected; IoT Core has no operation that lists connections.
- DeleteConnection ends a connection, and with `clean_session` the session too.
- Each question has a time limit for its whole answer: a socket's time-out does not limit a server that sends a byte now
  and then. After an endpoint failed to answer once, it is not asked again.
- All questions together have a time limit too: 30 seconds, and one more for each client ID.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from http.client import HTTPConnection, HTTPException
from threading import Thread
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

Answer = TypeVar("Answer")

_SOCKET_TIMEOUT = 5.0
"""Seconds that an endpoint has for each part of an answer."""
_LARGEST_ANSWER = 64 * 1024
"""Bytes. Answers of `dev` have a few hundred."""
_ALL_CLIENTS = 30
"""Seconds that asking about all clients may take, and one more for each."""


class Unreachable(Exception):
    """An endpoint does not answer. The text says which one and what to do."""


class NothingListens(Unreachable):
    """Nothing listens at an endpoint, so no client is connected there."""


class OperationFailed(Exception):
    """An operation failed. The text says why, in a few words."""


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
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ValueError("expected http://HOST:PORT, the plain port of dev; AWS's endpoint needs --table as well")
        self._url = url
        self._host, self._port = parts.hostname, parts.port or 80
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
        connection = HTTPConnection(self._host, self._port, timeout=_SOCKET_TIMEOUT)
        try:
            connection.request(method, f"/connections/{quote(client_id, safe='')}{query}")
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER + 1)
        except ConnectionRefusedError:
            advice = "start `iot-authorizer dev`, or name its plain port with --endpoint-url"
            raise NothingListens(f"nothing listens at {self._url}: {advice}") from None
        except TimeoutError:
            raise Unreachable(f"{self._url}: no answer") from None
        except (OSError, HTTPException) as error:
            raise OperationFailed(f"{self._url}: {error or type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status == 200 and len(content) <= _LARGEST_ANSWER:
            return content
        problem = (answer.getheader("x-amzn-ErrorType") or "").partition(":")[0]
        if problem == "ResourceNotFoundException":
            return None
        raise OperationFailed(problem or f"{self._url} answers {answer.status}, and is not iot-authorizer dev")


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
            connected = _within(patience, partial(connections.is_connected, client_id))
            ended = (connected or also_sessions) and _within(patience, partial(connections.end, client_id))
            outcomes[connected and ended].append(client_id)
        except OperationFailed as error:
            failed.append((client_id, str(error)))
        except Unreachable as error:
            unreachable = error
            break
        asked += 1
    return Ended(tuple(outcomes[True]), tuple(outcomes[False]), tuple(failed), tuple(client_ids[asked:]), unreachable)


def _within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What a function returns or raises. Raises Unreachable if that takes longer; the function is left running."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001 (raised again by future.result)
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        raise Unreachable(f"no complete answer within {seconds:g}s") from None
