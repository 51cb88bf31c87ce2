"""IoT Core's connections: whether a client is connected, and ending it (API_iotdata_GetConnection, …_DeleteConnection).

Those of `iot-authorizer dev` are in `local_connections`, those of AWS in `aws_connections`.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from iot_authorizer_cli.commands.revoke.in_time import Answer, within

_SETTING_OUT = 30
"""Seconds that asking for all clients may take, and one more for each."""


class Unreachable(Exception):
    """Nobody answers. Its text says where, and what to do."""


class NobodyThere(Unreachable):
    """Nobody listens, so nobody is connected there."""


class NotAnswered(Exception):
    """An operation failed. Its text says why, in a few words."""


class Ending(NamedTuple):
    """How a connection ends."""

    clean_session: bool = False
    """Whether the client's session ends too, with its subscriptions and what waits in it."""
    no_will: bool = False
    """Whether its Will is not published."""

    @property
    def query(self) -> dict[str, str]:
        """As DeleteConnection's query string has it."""
        members = {"cleanSession": self.clean_session, "preventWillMessage": self.no_will}
        return {name: "true" for name, wanted in members.items() if wanted}


AS_USUAL = Ending()
"""The session stays, and the Will is published."""


class Connections(Protocol):
    """The connections of an account. Each method raises Unreachable and NotAnswered."""

    def is_connected(self, client_id: str) -> bool:
        """Whether a client is connected now."""
        ...

    def end(self, client_id: str) -> bool:
        """Ends a client's connection; False where there is neither one nor a session any more."""
        ...


class InTime:
    """Connections of which each answer is there in time, or counts as none."""

    def __init__(self, connections: Connections, patience: float) -> None:
        """`patience` in seconds, for a whole answer."""
        self._connections = connections
        self._patience = patience

    def is_connected(self, client_id: str) -> bool:
        """See Connections."""
        return self._ask(partial(self._connections.is_connected, client_id))

    def end(self, client_id: str) -> bool:
        """See Connections."""
        return self._ask(partial(self._connections.end, client_id))

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return within(self._patience, ask)
        except TimeoutError:
            raise Unreachable(f"no whole answer within {self._patience:g}s") from None


class Ended(NamedTuple):
    """What became of some connections."""

    ended: tuple[str, ...] = ()
    """The client IDs that were connected."""
    not_connected: tuple[str, ...] = ()
    """Those that were not."""
    failed: dict[str, str] = {}  # noqa: RUF012 (nobody changes it)
    """Why others may still be connected."""
    not_asked: tuple[str, ...] = ()
    """Those that nobody could be asked about."""
    unreachable: Unreachable | None = None
    """Why not."""


def end_all(
    connections: Connections,
    client_ids: Sequence[str],
    *,
    also_sessions: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Ended:
    """Ends the connections of those that are connected; `also_sessions` those that only left a session, too."""
    outcomes: dict[bool, list[str]] = {True: [], False: []}
    failed: dict[str, str] = {}
    last = clock() + _SETTING_OUT + len(client_ids)
    for index, client_id in enumerate(client_ids):
        try:
            if clock() > last:
                raise Unreachable("it is too slow: give fewer client IDs at once")
            connected = connections.is_connected(client_id)
            ended = (connected or also_sessions) and connections.end(client_id)
            outcomes[connected and ended].append(client_id)
        except NotAnswered as error:
            failed[client_id] = str(error)
        except Unreachable as error:
            return Ended(tuple(outcomes[True]), tuple(outcomes[False]), failed, tuple(client_ids[index:]), error)
    return Ended(tuple(outcomes[True]), tuple(outcomes[False]), failed)
