"""One MQTT connection: bytes in, an authorized client of the broker, bytes out."""

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from iot_core.broker.client import Client
from iot_core.broker.limits import BrokenRule
from iot_core.broker.presence import DisconnectReason
from iot_core.edge.admission import Admission
from iot_core.edge.arrival import Arrival, Channel
from iot_core.edge.connack import refusal_of_version
from iot_core.edge.entering import Entrance
from iot_core.edge.outgoing import Outgoing
from iot_core.mqtt import Connect, Decoder, MqttError, ReasonCode, Subscribe
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.edge.connections import Connections

_TURN = 0.005
"""Seconds for which one connection may keep all others waiting."""
_LINGER = 1.0
"""Seconds in which a client may take what was sent to it, and close its side. Then it is cut off."""

_logger = logging.getLogger(__name__)


class MqttConnection(asyncio.Protocol):
    """A connection from its first byte to its end."""

    def __init__(self, connections: "Connections", channel: Channel, arrival: Arrival) -> None:
        self.client: Client | None = None
        """Who it is, once it is let in, and until the end."""
        self.admission: Admission | None = None
        """Why the client is in."""
        self._connections = connections
        self._channel = channel
        self._arrival = arrival
        self._decoder = Decoder(connections.limits.packet)
        self._outgoing = Outgoing(channel, connections.outbox)
        self._entrance = Entrance(connections, arrival, self._outgoing)
        self._entering: asyncio.Task[None] | None = None
        self._yielding = False
        """Whether others have their turn, although there is more to read."""
        self._deadline = arrival.deadline
        self._cut_off_at: float | None = None
        self._heard = False
        self._unsent = 0
        connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network."""
        if self._outgoing.closed:
            return
        self._heard = True
        self._decoder.receive(data)
        if not self._yielding:
            self._process()
            self._connections.outbox.flush()

    def eof_received(self) -> None:
        """The client sends no more, which ends the connection: it is closed once all that was sent is on its way."""
        self._outgoing.lose()
        client, self.client = self.client, None
        if client is not None:
            self._connections.broker.end(client, DisconnectReason.CONNECTION_LOST)
            self._connections.outbox.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The network connection is gone."""
        self._connections.discard(self)
        self.eof_received()

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self._outgoing.slow = True
        self._regulate()

    def resume_writing(self) -> None:
        """The network takes more."""
        self._outgoing.slow = False
        self._regulate()
        if self.client is not None and self.client.connected:
            self._connections.broker.drain(self.client)

    def check_time(self, now: float) -> None:
        """Ends the connection of a client that never connected, was silent or never leaves; `now` in seconds."""
        if self._outgoing.closed:
            self._check_leaving(now)
        elif self.client is not None:
            self._check_keep_alive(self.client, now)
        elif self._entering is None and now >= self._deadline:
            self._connections.decisions.refused_bytes(self._arrival.origin.source[0], IotCoreReason.CONNECT_TIMEOUT)
            self._outgoing.close()

    def fail(self, error: MqttError) -> None:
        """Ends the connection of somebody who broke a rule."""
        if self.client is not None:
            self._connections.broker.fail(self.client, error)
            return
        if answer := refusal_of_version(error):
            self._outgoing.write(answer)
        self._connections.decisions.refused_bytes(self._arrival.origin.source[0], IotCoreReason.NOT_MQTT, str(error))
        self._outgoing.close()

    def stop(self) -> None:
        """Ends the connection, and what it waits for."""
        if self._entering is not None:
            self._entering.cancel()
        self._outgoing.close()

    def abort(self) -> None:
        """Ends the connection now."""
        self._outgoing.abort()

    def _process(self) -> None:
        """Takes what there is, but no longer than a turn lasts: nobody is to wait for somebody's flood."""
        following, outgoing, until = self._decoder.next, self._outgoing, monotonic() + _TURN
        broker = self._connections.broker
        try:
            while not outgoing.closed and self._entering is None and (packet := following()) is not None:
                if self.client is None:
                    self._begin(packet)
                    continue
                broker.receive(self.client, packet)
                if type(packet) is Subscribe:  # What is retained may be a thousand times as long as what asks for it.
                    self._connections.outbox.flush()
                if monotonic() > until:
                    self._yield()
                    return
        except MqttError as error:
            self.fail(error)
        except Exception:  # noqa: BLE001 (it is logged there)
            self._break()

    def _yield(self) -> None:
        """Goes on after all others that are ready."""
        self._yielding = True
        self._regulate()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._yielding = False
        self._process()
        self._regulate()
        self._connections.outbox.flush()

    def _begin(self, packet: object) -> None:
        if not isinstance(packet, Connect):
            raise BrokenRule("a connection begins with CONNECT [MQTT-3.1.0-1]", ReasonCode.PROTOCOL_ERROR)
        if self._entrance.check(packet):
            self._entering = asyncio.get_running_loop().create_task(self._enter(packet))
            self._regulate()

    async def _enter(self, connect: Connect) -> None:
        try:
            entered = await self._entrance.enter(connect)
        except Exception:  # noqa: BLE001 (it is logged there)
            entered = None
            self._break()
        finally:
            self._entering = None
        if entered is not None:
            self.client, self.admission = entered
            self._deadline = self._connections.now() + self.client.keep_alive * 1.5
            self._process()
        self._regulate()
        self._connections.outbox.flush()

    def _break(self) -> None:
        """Ends the connection for a mistake of ours, which costs no other."""
        _logger.exception("a connection failed")
        self.abort()
        if self.client is not None:
            self._connections.broker.end(self.client, DisconnectReason.SERVER_ERROR)

    def _regulate(self) -> None:
        """Reads while it is clear who sends, while what is answered is taken, and in its turn."""
        if self._outgoing.slow or self._yielding or self._entering is not None:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _check_keep_alive(self, client: Client, now: float) -> None:
        if self._outgoing.slow:  # It is not read, so that its answers don't pile up: that it takes some says enough.
            unsent, self._unsent = self._unsent, self._channel.get_write_buffer_size()
            self._heard = self._heard or self._unsent < unsent
        if self._heard:
            self._heard = False
            self._deadline = now + client.keep_alive * 1.5
        elif now >= self._deadline:
            self._connections.broker.end(
                client, DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT, ReasonCode.KEEP_ALIVE_TIMEOUT
            )

    def _check_leaving(self, now: float) -> None:
        if self._cut_off_at is None:
            self._cut_off_at = now + _LINGER
        elif now >= self._cut_off_at:
            self.abort()
