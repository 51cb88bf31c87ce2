"""One MQTT connection: bytes in, an authorized client of the broker, bytes out."""

import asyncio
import uuid
from typing import TYPE_CHECKING

from local.broker.broken_rule import BrokenRule
from local.broker.client import Client
from local.broker.disconnect_reason import DisconnectReason
from local.event import ConnectionRequest
from local.gateway.admission import Admission
from local.gateway.arrival import Arrival, Channel
from local.gateway.authorization import Refused
from local.gateway.connack import refusal, refusal_of_version
from local.gateway.connect_rules import check_connect, connection_request
from local.mqtt import Connect, Decoder, MqttError, ReasonCode, Version

if TYPE_CHECKING:
    from local.gateway.connections import Connections


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
        self._deadline = connections.now() + connections.limits.connect_timeout
        self._heard = False
        connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network."""
        self._heard = True
        self._decoder.receive(data)
        self._process()
        self._connections.outbox.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The network connection is gone."""
        self._connections.discard(self)
        self._closed = True
        if self.client is not None:
            self.client.end(DisconnectReason.CONNECTION_LOST)
            self._connections.outbox.flush()

    def check_time(self, now: float) -> None:
        """Ends the connection of a client that never connected, or was silent for too long; `now` in seconds."""
        if self.client is not None and self._heard:
            self._heard = False
            self._deadline = now + self.client.keep_alive * 1.5
        if now < self._deadline or self._authorizing is not None or self._closed:
            return
        if self.client is None:
            self._connections.feed.add("refused_bytes", reason="connect_timeout", source=self._arrival.origin.source[0])
            self.close()
        else:
            self.client.end(DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT, ReasonCode.KEEP_ALIVE_TIMEOUT)

    def write(self, chunk: bytes) -> None:
        """Sends bytes to the client at the next flush."""
        if not self._out:
            self._connections.outbox.add(self)
        self._out.append(chunk)

    def flush(self) -> None:
        """Sends what was written."""
        out = self._out
        if out:
            self._channel.write(out[0] if len(out) == 1 else b"".join(out))
            self._out = []
        if self._closed:
            self._channel.close()

    def pause_writing(self) -> None:
        """The network takes no more for now."""
        self.slow = True

    def resume_writing(self) -> None:
        """The network takes more."""
        self.slow = False
        if self.client is not None and self.client.connected:
            self.client.drain()

    def close(self) -> None:
        """Ends the connection once all is sent."""
        if not self._closed:
            self._closed = True
            self._connections.outbox.add(self)

    def abort(self) -> None:
        """Ends the connection without sending what was written."""
        self._out = []
        self._channel.abort()

    def _process(self) -> None:
        following = self._decoder.next
        try:
            while not self._closed and self._authorizing is None and (packet := following()) is not None:
                if self.client is not None:
                    self.client.receive(packet)
                elif isinstance(packet, Connect):
                    self._begin(packet)
                else:
                    raise BrokenRule("a connection begins with CONNECT [MQTT-3.1.0-1]", ReasonCode.PROTOCOL_ERROR)
        except MqttError as error:
            self._fail(error)

    def _fail(self, error: MqttError) -> None:
        if self.client is not None:
            self.client.fail(error)
            return
        if answer := refusal_of_version(error):
            self.write(answer)
        self._connections.feed.add(
            "refused_bytes", reason="not_mqtt", detail=str(error), source=self._arrival.origin.source[0]
        )
        self.close()

    def _begin(self, connect: Connect) -> None:
        try:
            check_connect(connect, self._connections.limits)
            self._connections.connect_rate.check(connect.client_id)
        except BrokenRule as error:
            self._refuse(connect, Refused("invalid_connect", str(error)), ReasonCode(error.reason_code))
            return
        self._channel.pause_reading()
        self._authorizing = asyncio.get_running_loop().create_task(self._authorize(connect))

    async def _authorize(self, connect: Connect) -> None:
        client_id = connect.client_id or f"$GEN/{uuid.uuid4()}"
        request: ConnectionRequest = connection_request(connect, self._arrival)
        try:
            admission = await self._connections.admit(connect, client_id, request, self._arrival.origin)
            if not self._closed:
                self._enter(connect, client_id, admission)
        except Refused as refused:
            self._refuse(connect, refused, ReasonCode.NOT_AUTHORIZED)
        finally:
            self._authorizing = None
        if not self._closed:
            self._channel.resume_reading()
            self._process()
        self._connections.outbox.flush()

    def _enter(self, connect: Connect, client_id: str, admission: Admission) -> None:
        self.admission = admission
        broker = self._connections.broker
        self.client = broker.connect(
            connect, client_id, admission.permissions, self, self._arrival.origin, admission.principal_id
        )
        self._deadline = self._connections.now() + self.client.keep_alive * 1.5

    def _refuse(self, connect: Connect, refused: Refused, reason_code: ReasonCode) -> None:
        self._connections.report_refusal(connect.client_id, refused)
        if answer := refusal(Version(connect.version), reason_code):
            self.write(answer)
        self.close()
