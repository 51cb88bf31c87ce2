"""IoT Core's connections: whether a client is connected, and ending it (API_iotdata_GetConnection, …_DeleteConnection).

Against `iot-authorizer dev` by plain HTTP, which needs no boto3; against AWS by boto3.
"""

import json
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlsplit

_PATIENCE = 10.0
"""Seconds that an endpoint has for an answer."""
_NOT_FOUND = "ResourceNotFoundException"


class Unreachable(Exception):
    """Nobody is there to be asked. Its text says where, and what to do."""


class NotAnswered(Exception):
    """An operation failed. Its text says why, in a few words."""


class Connections(Protocol):
    """The connections of an account. Each method raises Unreachable and NotAnswered."""

    def is_connected(self, client_id: str) -> bool:
        """Whether a client is connected now."""
        ...

    def end(self, client_id: str) -> bool:
        """Ends a client's connection; False where there is none any more. Its session stays, and its Will is sent."""
        ...


class Ended(NamedTuple):
    """What became of some connections."""

    ended: tuple[str, ...]
    """The client IDs that were connected."""
    not_connected: tuple[str, ...]
    """Those that were not."""
    failed: dict[str, str]
    """Why others may still be connected."""


def end_all(connections: Connections, client_ids: Iterable[str]) -> Ended:
    """Ends the connections of those that are connected. Raises Unreachable."""
    outcomes: dict[bool, list[str]] = {True: [], False: []}
    failed: dict[str, str] = {}
    for client_id in client_ids:
        try:
            outcomes[connections.is_connected(client_id) and connections.end(client_id)].append(client_id)
        except NotAnswered as error:
            failed[client_id] = str(error)
    return Ended(tuple(outcomes[True]), tuple(outcomes[False]), failed)


class LocalConnections:
    """Those of `iot-authorizer dev`, where whoever reaches the port may ask."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no URL of a plain port."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ValueError("expected http://HOST:PORT, dev's plain port; for AWS's endpoint, give --table as well")
        self._url = url
        self._host, self._port = parts.hostname, parts.port or 80

    def is_connected(self, client_id: str) -> bool:
        """GetConnection."""
        found = self._ask("GET", client_id)
        return found is not None and found.get("connected") is True

    def end(self, client_id: str) -> bool:
        """DeleteConnection."""
        return self._ask("DELETE", client_id) is not None

    def _ask(self, method: str, client_id: str) -> dict[str, object] | None:
        """An answer; None where there is no such client."""
        connection = HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        try:
            connection.request(method, f"/connections/{quote(client_id, safe='')}")
            answer = connection.getresponse()
            content = answer.read()
        except ConnectionRefusedError:
            advice = "start `iot-authorizer dev`, or name its plain port with --endpoint-url"
            raise Unreachable(f"nobody listens at {self._url}: {advice}") from None
        except (OSError, HTTPException) as error:
            raise NotAnswered(f"{self._url}: {error or type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status == 200:
            return _object(content)
        problem = (answer.getheader("x-amzn-ErrorType") or "").partition(":")[0]
        if problem == _NOT_FOUND:
            return None
        raise NotAnswered(problem or f"{self._url} answers {answer.status}, and is not iot-authorizer dev")


def _object(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotAnswered("its answer is no JSON object")
    return found
