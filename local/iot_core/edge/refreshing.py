"""Asks authorizers again about clients that are in: when their answers say so, and when the configuration changed."""

import asyncio

from iot_core.authorizers.authorization import Refused
from iot_core.broker.broker import Broker
from iot_core.broker.presence import DisconnectReason
from iot_core.decisions import Decisions
from iot_core.edge.admission import Admission
from iot_core.edge.admitting import Admitting
from iot_core.edge.connection import MqttConnection
from iot_core.edge.outbox import Outbox
from iot_core.mqtt import ReasonCode
from iot_core.reasons import IotCoreReason

_AT_ONCE = 8
"""Refreshes under way, of which a change of the configuration begins one for each client: others may connect still."""
_PATIENCE = 30.0
"""Seconds that a refresh may wait for its turn. A client whose policy nobody can renew does not stay."""


class Refreshing:
    """The refreshes that are under way."""

    def __init__(self, broker: Broker, admitting: Admitting, decisions: Decisions, outbox: Outbox) -> None:
        self._broker = broker
        self._admitting = admitting
        self._decisions = decisions
        self._outbox = outbox
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[MqttConnection, asyncio.Task[None]] = {}

    def is_due(self, admission: Admission, now: float) -> bool:
        """Whether an answer is to be renewed; `now` in seconds of the clock."""
        return now >= admission.refresh_at or admission.configuration != self._admitting.configuration

    def begin(self, connection: MqttConnection, admission: Admission) -> None:
        """Begins a refresh, unless one is under way."""
        if connection not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._refresh(connection, admission))
            self._tasks[connection] = task
            task.add_done_callback(lambda _: self._tasks.pop(connection, None))

    async def close(self) -> None:
        """Ends those that are under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self, connection: MqttConnection, admission: Admission) -> None:
        """Goes on by the authorizer's answer; whatever is no yes ends the connection."""
        client = connection.client
        if client is None or not client.connected:
            return
        try:
            await self._renew(admission)
        except Refused as refused:
            if client.connected:
                self._decisions.refused(refused, "refresh", client.client_id, client_id=client.client_id)
                self._broker.end(client, DisconnectReason.AUTH_ERROR, ReasonCode.NOT_AUTHORIZED)
                self._outbox.flush()
        else:
            client.permissions = admission.permissions

    async def _renew(self, admission: Admission) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._turns.acquire()
        except TimeoutError:
            raise Refused(
                IotCoreReason.FUNCTION_TIMEOUT, f"no turn for a refresh within {_PATIENCE:g} seconds"
            ) from None
        try:
            await self._admitting.renew(admission)
        finally:
            self._turns.release()
