"""One MQTT connection, from its first byte to its end.

1. The first packet must be a CONNECT, and must be complete before the connect timeout.
2. The CONNECT is counted and checked by IoT Core's rules.
3. Reading pauses while the client is being authorized.
4. If it is authorized, the CONNECT is counted for its client ID. Only an authorized client counts there: others cannot
   use up the rate of its client ID.
5. The broker connects the client and writes the CONNACK. From here on, all packets are the broker's.
6. A client that is refused in 2 to 4 gets the CONNACK of its MQTT version, if that has a code for the refusal, and the
   connection closes.

A connection processes packets for one time slice; then the other connections have their turn. It pauses reading while
the network's write buffer is full.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from iot_core.authorizers.invocation import Forbidden, Refused
from iot_core.broker.broker import Broker
from iot_core.broker.client import Client
from iot_core.broker.limits import BrokenRule, ConnectRate
from iot_core.broker.session import DisconnectReason
from iot_core.edge.client_authorization import ClientAuthorization, ClientAuthorizer, NetworkContext
from iot_core.edge.connack import REFUSED_CLIENT, check_connect, refusal, refusal_of_version
from iot_core.edge.outbox import MOST_RECEIVED, Channel, Outbox, Outgoing
from iot_core.feed import Decisions
from iot_core.mqtt import Connect, Decoder, MqttError, ReasonCode, Subscribe, UnsupportedVersion, Version
from iot_core.reasons import IotCoreReason

_TIME_SLICE = 0.005
"""Seconds for which one connection may delay all others."""
_LINGER = 1.0
"""Seconds that a client has to read what was sent to it and to close its side, before the connection is aborted."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MqttEndpoint:
    """The parts that all MQTT connections of one event loop share."""

    broker: Broker
    outbox: Outbox
    decisions: Decisions
    authorizer: ClientAuthorizer
    connect_rate: ConnectRate
    clock: Callable[[], float]
    """Gives seconds from any start."""
    open: "set[MqttConnection]" = field(default_factory=set)
    """The connections that the network has not lost yet."""


class MqttConnection(asyncio.Protocol):
    """A connection from its first byte to its end."""

    def __init__(self, endpoint: MqttEndpoint, channel: Channel, network: NetworkContext, deadline: float) -> None:
        """`deadline` is when its CONNECT must be complete, in seconds of the endpoint's clock."""
        self.client: Client | None = None
        """The broker's client, from the CONNACK to the end."""
        self.authorization: ClientAuthorization | None = None
        """The answer of the client's authorizer."""
        self._endpoint = endpoint
        self._channel = channel
        self._network = network
        self._deadline = deadline
        self._decoder = Decoder(endpoint.broker.limits.packet)
        self._outgoing = Outgoing(channel, endpoint.outbox)
        self._connecting: asyncio.Task[None] | None = None
        self._yielding = False
        """Whether it waits for the other connections' turn, although there is more to read."""
        self._abort_at: float | None = None
        self._heard = False
        """Whether the client sent anything since the time was last checked."""
        self._unsent = 0
        endpoint.open.add(self)

    @property
    def unsent(self) -> int:
        """How many bytes wait for the client: in the network's write buffer, and for the next flush."""
        return self._outgoing.unsent

    @property
    def slow(self) -> bool:
        """Whether the network's write buffer is full."""
        return self._outgoing.slow

    # The network calls these.

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network."""
        if self._outgoing.closed:
            return
        self._heard = True
        self._decoder.receive(data)
        if not self._yielding:
            self._process()
        outbox = self._endpoint.outbox
        outbox.received += len(data)
        if outbox.received > MOST_RECEIVED:
            outbox.flush()

    def eof_received(self) -> None:
        """The client sends no more, which ends the connection; it closes after everything is sent."""
        self._outgoing.lose()
        client, self.client = self.client, None
        if client is not None:
            self._endpoint.broker.end(client, DisconnectReason.CONNECTION_LOST)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        """The network connection is lost."""
        self._endpoint.open.discard(self)
        self.eof_received()

    def pause_writing(self) -> None:
        """The network's write buffer is full."""
        self._outgoing.slow = True
        self._regulate()

    def resume_writing(self) -> None:
        """The network's write buffer has room again."""
        self._outgoing.slow = False
        self._regulate()
        if self.client is not None and self.client.connected:
            self._endpoint.broker.drain(self.client)

    # Connections calls these.

    def check_time(self, now: float) -> None:
        """Ends the connection if its time is up; `now` in seconds.

        A client must connect in time, send something within its keep alive, and close its side after the end.
        """
        if self._outgoing.closed:
            self._check_closing(now)
        elif self.client is not None:
            self._check_keep_alive(self.client, now)
            self._check_lifetime(self.client, now)
        elif self._connecting is None and now >= self._deadline:
            self._refuse_bytes(IotCoreReason.CONNECT_TIMEOUT)

    def needs_refresh(self, now: float, generation: int) -> bool:
        """Whether the authorizer must be asked again, see `ClientAuthorization`."""
        if self.client is None or not self.client.connected or self.authorization is None:
            return False
        return self.authorization.needs_refresh(now, generation)

    async def refresh(self) -> None:
        """Asks the authorizer again. Anything but a new authorization ends the connection."""
        client, authorization = self.client, self.authorization
        if client is None or not client.connected or authorization is None:
            return
        try:
            await self._endpoint.authorizer.refresh(authorization)
        except Refused as refused:
            self.end_refresh(refused)
        else:
            client.link.permissions = authorization.permissions

    def end_refresh(self, refused: Refused) -> None:
        """Ends the connection because it could not be refreshed.

        unmeasured (check refresh-refused): with which MQTT reason code a refused refresh ends the connection (assumed:
        that of a refused CONNECT).
        unmeasured (check refresh-failed): that a refresh also ends the connection if the function fails or is too slow
        (assumed).
        """
        client = self.client
        if client is not None and client.connected:
            self._endpoint.decisions.refused(refused, "refresh", client.client_id, client_id=client.client_id)
            self._endpoint.broker.end(client, DisconnectReason.AUTH_ERROR, ReasonCode.NOT_AUTHORIZED)

    def fail(self, error: MqttError) -> None:
        """Ends the connection because its client broke a rule of MQTT, or of WebSocket."""
        if self.client is not None:
            self._endpoint.broker.fail(self.client, error)
            return
        if answer := refusal_of_version(error):
            self._outgoing.write(answer)
        self._refuse_bytes(IotCoreReason.NOT_MQTT, str(error))

    def stop(self) -> None:
        """Ends the connection after everything is sent, and an authorization that is under way."""
        if self._connecting is not None:
            self._connecting.cancel()
        self._outgoing.close()

    def abort(self) -> None:
        """Ends the connection now."""
        self._outgoing.abort()

    # From CONNECT to CONNACK.

    def _begin(self, packet: object) -> None:
        """Checks the first packet, and begins to authorize its client.

        Raises BrokenRule if it is not a CONNECT, UnsupportedVersion for MQTT 3.1 on any but a signed connection.
        """
        if not isinstance(packet, Connect):
            raise BrokenRule("the first packet must be a CONNECT [MQTT-3.1.0-1]", ReasonCode.PROTOCOL_ERROR)
        # unmeasured (check sigv4-amplify): which connections may use MQTT 3.1 (assumed: signed WebSocket connections,
        # where AWS's own Amplify PubSub does; AWS documents only 3.1.1 and 5).
        if packet.version is Version.MQTT_3_1 and self._network.signed_by is None:
            raise UnsupportedVersion("MQIsdp", packet.version)
        try:
            self._endpoint.connect_rate.count()
            check_connect(packet, self._endpoint.broker.limits)
        except BrokenRule as error:
            self._refuse_rule(packet, error)
        else:
            self._connecting = asyncio.get_running_loop().create_task(self._connect(packet))
            self._regulate()

    async def _connect(self, connect: Connect) -> None:
        try:
            authorization = await self._endpoint.authorizer.authorize(connect, self._network)
            if not self._outgoing.closed:
                self._endpoint.connect_rate.count_client(authorization.client_id)
                self._accept(connect, authorization)
        except Refused as refused:
            self._refuse(connect, refused, REFUSED_CLIENT)
        except BrokenRule as error:
            self._refuse_rule(connect, error)
        except Exception:  # noqa: BLE001 (it is logged there)
            self._break()
        finally:
            self._connecting = None
        self._regulate()
        self._process()

    def _accept(self, connect: Connect, authorization: ClientAuthorization) -> None:
        client_id, endpoint = authorization.client_id, self._endpoint
        endpoint.decisions.by_policy(authorization.authorization, client_id, "connect", client_id, True)
        self.authorization = authorization
        self.client = endpoint.broker.connect(
            connect,
            client_id,
            authorization.permissions,
            self._outgoing,
            self._network.origin,
            authorization.authorization.principal_id,
        )
        self._deadline = endpoint.clock() + self.client.keep_alive * 1.5

    def _refuse_rule(self, connect: Connect, error: BrokenRule) -> None:
        code, reason = ReasonCode(error.reason_code), IotCoreReason.INVALID_CONNECT
        if code == ReasonCode.CONNECTION_RATE_EXCEEDED:
            reason = IotCoreReason.CONNECT_RATE_EXCEEDED
        self._refuse(connect, Refused(reason, str(error)), code)

    def _refuse(self, connect: Connect, refused: Refused, reason_code: ReasonCode) -> None:
        if isinstance(refused, Forbidden) and connect.client_id:
            source, _ = self._network.origin.source
            self._endpoint.broker.connect_failed(connect.client_id, refused.by.principal_id, source)
        self._endpoint.decisions.refused(refused, "connect", connect.client_id, client_id=connect.client_id)
        if self._outgoing.closed:
            return
        answer = refusal(Version(connect.version), reason_code)
        if answer and len(answer) <= (connect.properties.maximum_packet_size or len(answer)):
            self._outgoing.write(answer)
        self._outgoing.close()

    def _refuse_bytes(self, reason: IotCoreReason, detail: str = "") -> None:
        self._endpoint.decisions.refused_bytes(self._network.origin.source[0], reason, detail)
        self._outgoing.close()

    # Packets.

    def _process(self) -> None:
        """Takes packets, for at most one time slice."""
        following, outgoing = self._decoder.next, self._outgoing
        broker, outbox = self._endpoint.broker, self._endpoint.outbox
        until = monotonic() + _TIME_SLICE
        try:
            while not outgoing.closed and self._connecting is None and (packet := following()) is not None:
                if self.client is None:
                    self._begin(packet)
                    continue
                broker.receive(self.client, packet)
                if type(packet) is Subscribe:  # Its retained messages can be thousands of times as long as itself.
                    outbox.flush()
                if monotonic() > until:
                    self._yield()
                    return
        except MqttError as error:
            self.fail(error)
        except Exception:  # noqa: BLE001 (it is logged there)
            self._break()

    def _yield(self) -> None:
        """Continues after everything else that the event loop has ready."""
        self._yielding = True
        self._regulate()
        asyncio.get_running_loop().call_soon(self._continue)

    def _continue(self) -> None:
        self._yielding = False
        self._process()
        self._regulate()

    def _break(self) -> None:
        """Ends only this connection, because of an error in IoT Core itself."""
        _logger.exception("a connection failed")
        self.abort()
        if self.client is not None:
            self._endpoint.broker.end(self.client, DisconnectReason.SERVER_ERROR)

    def _regulate(self) -> None:
        """Pauses reading while the client is being authorized, while its write buffer is full, or after its slice."""
        if self._outgoing.slow or self._yielding or self._connecting is not None:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    # Time.

    def _check_keep_alive(self, client: Client, now: float) -> None:
        if self._outgoing.slow:  # Reading is paused. A client that reads what is sent to it is alive.
            unsent, self._unsent = self._unsent, self.unsent
            self._heard = self._heard or self._unsent < unsent
        if self._heard:
            self._heard = False
            self._deadline = now + client.keep_alive * 1.5
        elif now >= self._deadline:
            self._endpoint.broker.end(client, DisconnectReason.MQTT_KEEP_ALIVE_TIMEOUT, ReasonCode.KEEP_ALIVE_TIMEOUT)

    def _check_lifetime(self, client: Client, now: float) -> None:
        # unmeasured (check disconnect-after): with which MQTT reason code the end of disconnectAfterInSeconds ends a
        # connection (assumed: Maximum connect time).
        if self.authorization is not None and now >= self.authorization.disconnect_at:
            self._endpoint.broker.end(client, self.authorization.end, ReasonCode.MAXIMUM_CONNECT_TIME)

    def _check_closing(self, now: float) -> None:
        if self._abort_at is None:
            self._abort_at = now + _LINGER
        elif now >= self._abort_at:
            self.abort()
