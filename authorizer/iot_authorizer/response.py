"""The answer to IoT Core (developer guide, "Defining your Lambda function").

How long it counts:
- A client with MQTT is disconnected after `disconnectAfterInSeconds`, which is never longer than its credential lasts.
- Over HTTPS, IoT Core can cache the answer (`enableCachingForHttp`): for `refreshAfterInSeconds` on one persistent
  connection, regardless of `disconnectAfterInSeconds`. So in an answer to an event without MQTT, that time is never
  longer than the credential lasts.
- IoT Core accepts no time below 300 seconds, so a credential can count for up to that much longer.
"""

import hashlib
import random
import re
import zlib
from typing import TypedDict

from iot_policies import SessionTimes
from iot_policies.packing import Document
from iot_policies.session_times import LEAST_SESSION, LONGEST_SESSION

_LONGEST_ID = 128
_LIKE_A_HASH = re.compile(r"[0-9a-f]{64}")


class AuthorizerResponse(TypedDict):
    """The answer, within the bounds of IoT Core."""

    isAuthenticated: bool
    principalId: str
    """1 to 128 letters and digits."""
    disconnectAfterInSeconds: int
    """300 to 86,400."""
    refreshAfterInSeconds: int
    """300 to 86,400."""
    policyDocuments: list[Document]
    """At most 10, each at most 2,048 characters."""


def refused() -> AuthorizerResponse:
    """The answer to every client that is refused. It does not tell why."""
    return {
        "isAuthenticated": False,
        "principalId": "refused",
        "disconnectAfterInSeconds": LEAST_SESSION,
        "refreshAfterInSeconds": LEAST_SESSION,
        "policyDocuments": [],
    }


def principal_id(name: str) -> str:
    """A principal's name in the form that IoT Core accepts: the name if it is alphanumeric, else its SHA-256.

    A name that looks like a SHA-256 is hashed too. Otherwise it could equal the hash of another name.
    """
    if name.isalnum() and name.isascii() and len(name) <= _LONGEST_ID and not _LIKE_A_HASH.fullmatch(name):
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def disconnect_after(session: SessionTimes, connection_id: str | None, token_life: float | None) -> int:
    """Seconds until IoT Core ends the connection.

    The spread is derived from the connection's ID, so that each refresh of a connection gets the same time.
    `token_life`: seconds until the token expires. The result is at least IoT Core's minimum of 300, even then.
    """
    seconds = session.disconnect_after * (1 - session.spread * _draw(connection_id))
    if token_life is not None:
        seconds = min(seconds, token_life)
    return int(min(max(seconds, LEAST_SESSION), LONGEST_SESSION))


def _draw(connection_id: str | None) -> float:
    """A number from 0 to 1 that spreads load. It is not used for security."""
    if connection_id is None:
        return random.random()  # noqa: S311 (no secret depends on it)
    return zlib.crc32(connection_id.encode("utf-8", "surrogatepass")) / 2**32


def refresh_after(session: SessionTimes, token_life: float | None, *, has_mqtt: bool) -> int:
    """Seconds until IoT Core asks the authorizer again.

    `token_life`: seconds until the token expires. The result is at least IoT Core's minimum of 300, even then.
    """
    if has_mqtt or token_life is None:
        return session.refresh_after
    return int(max(min(session.refresh_after, token_life), LEAST_SESSION))


def allowed(
    name: str,
    documents: list[Document],
    session: SessionTimes,
    *,
    connection_id: str | None,
    token_life: float | None,
    has_mqtt: bool,
) -> AuthorizerResponse:
    """The answer to a client that is allowed. `token_life`: seconds until its token expires; None for never."""
    return {
        "isAuthenticated": True,
        "principalId": principal_id(name),
        "disconnectAfterInSeconds": disconnect_after(session, connection_id, token_life),
        "refreshAfterInSeconds": refresh_after(session, token_life, has_mqtt=has_mqtt),
        "policyDocuments": documents,
    }
