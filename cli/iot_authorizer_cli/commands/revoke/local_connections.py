"""The connections of `iot-authorizer dev`, by plain HTTP, which needs no boto3."""

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlencode, urlsplit

from iot_authorizer_cli.commands.revoke.connections import AS_USUAL, Ending, NobodyThere, NotAnswered, Unreachable

_PATIENCE = 5.0
"""Seconds that an endpoint has for each part of an answer."""
_NOT_FOUND = "ResourceNotFoundException"
_LARGEST_ANSWER = 64 * 1024
"""Bytes. Those of dev have a few hundred."""


class LocalConnections:
    """Those of `iot-authorizer dev`, where whoever reaches the port may ask."""

    def __init__(self, url: str, ending: Ending = AS_USUAL) -> None:
        """Raises ValueError for what is no URL of a plain port."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ValueError("expected http://HOST:PORT, dev's plain port; for AWS's endpoint, give --table as well")
        self._url = url
        self._host, self._port = parts.hostname, parts.port or 80
        self._ending = f"?{urlencode(ending.query)}" if ending.query else ""

    def is_connected(self, client_id: str) -> bool:
        """GetConnection."""
        content = self._ask("GET", client_id)
        return content is not None and _connected(content)

    def end(self, client_id: str) -> bool:
        """DeleteConnection."""
        return self._ask("DELETE", client_id, self._ending) is not None

    def _ask(self, method: str, client_id: str, query: str = "") -> bytes | None:
        """An answer's content; None where there is no such client."""
        connection = HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        try:
            connection.request(method, f"/connections/{quote(client_id, safe='')}{query}")
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER + 1)
        except ConnectionRefusedError:
            advice = "start `iot-authorizer dev`, or name its plain port with --endpoint-url"
            raise NobodyThere(f"nobody listens at {self._url}: {advice}") from None
        except TimeoutError:
            raise Unreachable(f"{self._url}: no answer") from None
        except (OSError, HTTPException) as error:
            raise NotAnswered(f"{self._url}: {error or type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status == 200 and len(content) <= _LARGEST_ANSWER:
            return content
        problem = (answer.getheader("x-amzn-ErrorType") or "").partition(":")[0]
        if problem == _NOT_FOUND:
            return None
        raise NotAnswered(problem or f"{self._url} answers {answer.status}, and is not iot-authorizer dev")


def _connected(content: bytes) -> bool:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    connected = found.get("connected") if isinstance(found, dict) else None
    if not isinstance(connected, bool):
        raise NotAnswered("its answer does not say whether the client is connected: it is not iot-authorizer dev")
    return connected
