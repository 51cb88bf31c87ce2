"""All MQTT connections, and what they share."""

import logging
import time
from collections.abc import Callable, Iterator

from iot_core.authorizers.authorization import Gateway
from iot_core.broker.broker import Broker
from iot_core.broker.presence import DisconnectReason
from iot_core.decisions import Decisions
from iot_core.edge.admitting import Admitting
from iot_core.edge.connect_rate import ConnectRate
from iot_core.edge.connect_rules import check_connect
from iot_core.edge.connection import MqttConnection
from iot_core.edge.outbox import Outbox
from iot_core.edge.refreshing import Refreshing
from iot_core.mqtt import Connect, ReasonCode

_logger = logging.getLogger(__name__)


class Connections:
    """The connections of one event loop."""

    def __init__(
        self,
        *,
        broker: Broker,
        gateway: Gateway,
        decisions: Decisions,
        outbox: Outbox,
        arn_prefix: str,
        time_scale: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds; `time_scale` of an authorizer's answer pass in one of them."""
        self.broker = broker
        self.limits = broker.limits
        self.decisions = decisions
        self.outbox = outbox
        self.now = clock
        self.admitting = Admitting(gateway, decisions, arn_prefix=arn_prefix, time_scale=time_scale, clock=clock)
        self._refreshing = Refreshing(broker, self.admitting, decisions, outbox)
        self._connect_rate = ConnectRate(broker.limits, clock)
        self._all: set[MqttConnection] = set()

    def add(self, connection: MqttConnection) -> None:
        """A connection is there."""
        self._all.add(connection)

    def discard(self, connection: MqttConnection) -> None:
        """A connection is gone."""
        self._all.discard(connection)

    def __iter__(self) -> Iterator[MqttConnection]:
        return iter(self._all)

    def check_connect(self, connect: Connect) -> None:
        """Counts a CONNECT, and checks it by IoT Core's limits. Raises BrokenRule."""
        self._connect_rate.count()
        check_connect(connect, self.limits)

    def count_connect(self, client_id: str) -> None:
        """Counts a client that is let in: strangers can't keep it out by its client ID. Raises BrokenRule."""
        self._connect_rate.count_client(client_id)

    def check_time(self) -> None:
        """Does what is due: time-outs, refreshes, ends of sessions. To be called several times a second."""
        now = self.now()
        for connection in list(self._all):
            try:
                self._check(connection, now)
            except Exception:
                _logger.exception("a connection's time could not be checked")
                connection.abort()
        self.broker.tick()
        self.outbox.flush()

    def refresh_all(self) -> None:
        """Asks the authorizer again about every client, since the configuration changed."""
        self.admitting.configuration += 1
        self.check_time()

    async def close(self) -> None:
        """Ends all connections once what they are sent is stored and on its way."""
        self.broker.close()
        for connection in list(self._all):
            connection.stop()
        await self._refreshing.close()
        self.outbox.flush()

    def _check(self, connection: MqttConnection, now: float) -> None:
        connection.check_time(now)
        admission, client = connection.admission, connection.client
        if admission is None or client is None or not client.connected:
            return
        if now >= admission.disconnect_at:
            self.broker.end(client, DisconnectReason.CUSTOMAUTH_TTL_EXPIRATION, ReasonCode.MAXIMUM_CONNECT_TIME)
        elif self._refreshing.is_due(admission, now):
            self._refreshing.begin(connection, admission)
