"""One MQTT connection: bytes in, an authorized client of the broker, bytes out."""

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from local.broker.broken_rule import BrokenRule
from local.broker.client import Client
from local.broker.disconnect_reason import DisconnectReason
from local.gateway.admission import Admission
from local.gateway.arrival import Arrival, Channel
from local.gateway.authorization import Refused
from local.gateway.connack import refusal, refusal_of_version
from local.mqtt import Connect, Decoder, MqttError, ReasonCode, Subscribe, Version

if TYPE_CHECKING:
    from local.gateway.connections import Connections

_TURN = 0.005
"""Seconds for which one connection may keep all others waiting."""
_LINGER = 1.0
"""Seconds in which a client may take what was sent to it, and close its side. Then it is cut off."""

_logger = logging.getLogger(__name__)


class MqttConnection(asyncio.Protocol):
    """A connection from its first byte to its end. It is the way out for its client, too."""

    def __init__(self, connections: "Connections", channel: Channel, arrival: Arrival) -> None:
        self.slow = False
        """Whether more waits to be sent than a client may have waiting."""
        self.client: Client | None = None
        self.admission: Admission | None = None
        """Why the client is in."""
        self._connections = connections
        self._channel = channel
        self._arrival = arrival
        self._decoder = Decoder(connections.limits.packet)
        self._out: list[bytes] = []
        self._authorizing: asyncio.Task[None] | None = None
        self._closed = False
        """Whether nothing is read any more."""
        self._lost = False
        """Whether nothing can be sent any more."""
        self._deadline = arrival.deadline
        self._heard = False
        self._unsent = 0
        self._yielding = False
        """Whether others have their turn, although there is more to read."""
        connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network."""
        if self._closed:
            return
        self._heard = True
        self._decoder.receive(data)
        if not self._yielding:
            self._process()
            self._connections.outbox.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The network connection is gone."""
        self._connections.discard(self)
        self._closed = self._lost = True
        client, self.client = self.client, None
        if client is not None:
            client.end(DisconnectReason.CONNECTION_LOST)
            self._connections.outbox.flush()

    def check_time(self, now: float) -> None:
        """Ends the connection of a client that never connected, was silent or never leaves; `now` in seconds."""
        if self._closed:
            if now >= self._deadline:
                self._channel.abort()
        elif self.client is not None:
            self._check_keep_alive(self.client, now)
        elif self._authorizing is None and now >= self._deadline:
            self._connections.decisions.refused_bytes(self._arrival.origin.source[0], "connect_timeout")
            self.close()

    def write(self, chunk: bytes) -> None:
        """Sends bytes to the client at the next flush."""
        if not self._out:
            self._connections.outbox.add(self)
        self._out.append(chunk)

    def flush(self) -> None:
        """Sends what was written."""
        out = self._out
        if self._lost:
            return
        if out:
            self._out = []
            self._channel.write(out[0] if len(out) == 1 else b"".join(out))
        if self._closed:
            self._channel.close()

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self.slow = True
        self._regulate()

    def resume_writing(self) -> None:
        """The network takes more."""
        self.slow = False
        self._regulate()
        if self.client is not None and self.client.connected:
            self.client.drain()

    def close(self) -> None:
        """Ends the connection once all is sent."""
        if not self._closed:
            self._closed = True
            self._deadline = self._connections.now() + _LINGER
            self._connections.outbox.add(self)

    def abort(self) -> None:
        """Ends the connection without sending what was written."""
        self._out = []
        self._closed = True
        self._channel.abort()

    def stop(self) -> None:
        """Ends the connection, and what it waits for."""
        if self._authorizing is not None:
            self._authorizing.cancel()
        self.close()

    def fail(self, error: MqttError) -> None:
        """Ends the connection of somebody who broke a rule."""
        if self.client is not None:
            self.client.fail(error)
            return
        if answer := refusal_of_version(error):
            self.write(answer)
        self._connections.decisions.refused_bytes(self._arrival.origin.source[0], "not_mqtt", str(error))
        self.close()

    def _process(self) -> None:
        """Takes what there is, but no longer than a turn lasts: nobody is to wait for somebody's flood."""
        following, until = self._decoder.next, monotonic() + _TURN
        try:
            while not self._closed and self._authorizing is None and (packet := following()) is not None:
                if self.client is None:
                    self._begin(packet)
                    continue
                self.client.receive(packet)
                if type(packet) is Subscribe:  # What is retained may be a thousand times as long as what asks for it.
                    self._connections.outbox.flush()
                if monotonic() > until:
                    self._yield()
                    return
        except MqttError as error:
            self.fail(error)

    def _yield(self) -> None:
        """Goes on after all others that are ready."""
        self._yielding = True
        self._regulate()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._yielding = False
        if self._lost:
            return
        self._process()
        self._regulate()
        self._connections.outbox.flush()

    def _check_keep_alive(self, client: Client, now: float) -> None:
        if self.slow:  # It is not read, so that its answers don't pile up: what it takes says that it is there.
            unsent, self._unsent = self._unsent, self._channel.get_write_buffer_size()
            self._heard = self._heard or self._unsent < unsent
        if self._heard:
            self._heard = False
            self._deadline = now + client.keep_alive * 1.5
        elif now >= self._deadline:
            client.end(DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT, ReasonCode.KEEP_ALIVE_TIMEOUT)

    def _regulate(self) -> None:
        """Reads while it is clear who sends, while what is answered is taken, and in its turn."""
        if self.slow or self._yielding or self._authorizing is not None:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def _begin(self, packet: object) -> None:
        if not isinstance(packet, Connect):
            raise BrokenRule("a connection begins with CONNECT [MQTT-3.1.0-1]", ReasonCode.PROTOCOL_ERROR)
        try:
            self._connections.check_connect(packet)
        except BrokenRule as error:
            self._refuse_rule(packet, error)
            return
        self._authorizing = asyncio.get_running_loop().create_task(self._authorize(packet))
        self._regulate()

    async def _authorize(self, connect: Connect) -> None:
        try:
            await self._admit(connect)
        except Exception:  # The network would end a connection whose bytes bring this about: so does this.
            _logger.exception("a connection failed")
            self.abort()
        finally:
            self._authorizing = None
        if not self._lost:
            self._regulate()
        self._connections.outbox.flush()

    async def _admit(self, connect: Connect) -> None:
        try:
            admission = await self._connections.admitting.admit(connect, self._arrival)
        except Refused as refused:
            self._refuse(connect, refused, ReasonCode.NOT_AUTHORIZED)
            return
        if self._closed:
            return
        try:
            self._connections.count_connect(admission.client_id)
        except BrokenRule as error:
            self._refuse_rule(connect, error)
            return
        client = self._connections.broker.connect(
            connect, admission.client_id, admission.permissions, self, self._arrival.origin, admission.principal_id
        )
        self.client, self.admission, self._authorizing = client, admission, None
        self._deadline = self._connections.now() + client.keep_alive * 1.5
        self._process()

    def _refuse_rule(self, connect: Connect, error: BrokenRule) -> None:
        code = ReasonCode(error.reason_code)
        reason = "connect_rate_exceeded" if code == ReasonCode.CONNECTION_RATE_EXCEEDED else "invalid_connect"
        self._refuse(connect, Refused(reason, str(error)), code)

    def _refuse(self, connect: Connect, refused: Refused, reason_code: ReasonCode) -> None:
        self._connections.decisions.refused(connect.client_id, refused)
        if self._closed:
            return
        if answer := refusal(Version(connect.version), reason_code):
            self.write(answer)
        self.close()
