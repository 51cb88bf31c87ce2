"""All MQTT connections of one event loop: time-outs, refreshes, and the end.

1. The time is checked several times a second: of each connection, then of the broker.
2. A connection is refreshed when its authorizer's answer says so, and when a new generation of authorizers is in force;
   a signed one when the policy of its role changes.
3. Only a few refreshes run at once: a new generation begins one for each client, and others must still be able to
   connect. A refresh that gets no turn in time ends its connection.
"""

import asyncio
import logging
from collections.abc import Iterator

from iot_core.authorizers.invocation import Refused
from iot_core.authorizers.registry import Authorizers
from iot_core.edge.connection import MqttConnection, MqttEndpoint
from iot_core.reasons import IotCoreReason

_REFRESHES_AT_ONCE = 8
_PATIENCE = 30.0
"""Seconds that a refresh waits for its turn."""

_logger = logging.getLogger(__name__)


class Connections:
    """The MQTT connections of one event loop."""

    def __init__(self, endpoint: MqttEndpoint, authorizers: Authorizers) -> None:
        self.endpoint = endpoint
        """The parts that all connections share."""
        self._authorizers = authorizers
        self._turns = asyncio.Semaphore(_REFRESHES_AT_ONCE)
        self._refreshes: dict[MqttConnection, asyncio.Task[None]] = {}

    def __iter__(self) -> Iterator[MqttConnection]:
        return iter(self.endpoint.open)

    def check_time(self) -> None:
        """Does what is due by now."""
        endpoint = self.endpoint
        now, generation = endpoint.clock(), self._authorizers.generation
        for connection in list(endpoint.open):
            try:
                connection.check_time(now)
                if connection.needs_refresh(now, generation):
                    self._begin_refresh(connection)
            except Exception:
                _logger.exception("a connection's time could not be checked")
                connection.abort()
        endpoint.broker.tick()
        endpoint.outbox.flush()

    async def close(self) -> None:
        """Ends all connections after everything is stored and sent."""
        self.endpoint.broker.close()
        for connection in list(self.endpoint.open):
            connection.stop()
        refreshes = list(self._refreshes.values())
        for refresh in refreshes:
            refresh.cancel()
        await asyncio.gather(*refreshes, return_exceptions=True)
        self.endpoint.outbox.flush()

    def _begin_refresh(self, connection: MqttConnection) -> None:
        if connection not in self._refreshes:
            task = asyncio.get_running_loop().create_task(self._refresh(connection))
            self._refreshes[connection] = task
            task.add_done_callback(lambda _: self._refreshes.pop(connection, None))

    async def _refresh(self, connection: MqttConnection) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            detail = f"no turn for a refresh within {_PATIENCE:g} seconds"
            connection.end_refresh(Refused(IotCoreReason.FUNCTION_TIMEOUT, detail))
            return
        try:
            await connection.refresh()
        finally:
            self._turns.release()
