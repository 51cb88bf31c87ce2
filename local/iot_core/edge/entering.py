"""How a CONNECT becomes a client of the broker, or is refused."""

from typing import TYPE_CHECKING, NamedTuple

from iot_core.authorizers.authorization import Forbidden, Refused
from iot_core.broker.client import Client
from iot_core.broker.limits import BrokenRule
from iot_core.edge.admission import Admission
from iot_core.edge.arrival import Arrival
from iot_core.edge.connack import refusal
from iot_core.edge.outgoing import Outgoing
from iot_core.mqtt import Connect, ReasonCode, Version
from iot_core.reasons import IotCoreReason

if TYPE_CHECKING:
    from iot_core.edge.connections import Connections


class Entered(NamedTuple):
    """A client that is in, and why."""

    client: Client
    admission: Admission


class Entrance:
    """The way in for the client of one connection."""

    def __init__(self, connections: "Connections", arrival: Arrival, outgoing: Outgoing) -> None:
        self._connections = connections
        self._arrival = arrival
        self._outgoing = outgoing

    def check(self, connect: Connect) -> bool:
        """Whether a CONNECT is worth asking an authorizer about; who sends another one is refused."""
        try:
            self._connections.check_connect(connect)
        except BrokenRule as error:
            self._refuse_rule(connect, error)
            return False
        return True

    async def enter(self, connect: Connect) -> Entered | None:
        """Lets the client in, or refuses it; None, too, where it has gone meanwhile."""
        connections = self._connections
        try:
            admission = await connections.admitting.admit(connect, self._arrival)
            if self._outgoing.closed:
                return None
            connections.count_connect(admission.client_id)
        except Refused as refused:
            if isinstance(refused, Forbidden) and connect.client_id:
                source, _ = self._arrival.origin.source
                connections.broker.connect_failed(connect.client_id, refused.principal_id, source)
            self._refuse(connect, refused, ReasonCode.NOT_AUTHORIZED)
            return None
        except BrokenRule as error:
            self._refuse_rule(connect, error)
            return None
        client_id = admission.client_id
        connections.decisions.by_policy(admission.authorization, client_id, "connect", client_id, True)
        permissions, origin, outgoing = admission.permissions, self._arrival.origin, self._outgoing
        principal_id = admission.principal_id
        client = connections.broker.connect(connect, client_id, permissions, outgoing, origin, principal_id)
        return Entered(client, admission)

    def _refuse_rule(self, connect: Connect, error: BrokenRule) -> None:
        code = ReasonCode(error.reason_code)
        too_often = code == ReasonCode.CONNECTION_RATE_EXCEEDED
        reason = IotCoreReason.CONNECT_RATE_EXCEEDED if too_often else IotCoreReason.INVALID_CONNECT
        self._refuse(connect, Refused(reason, str(error)), code)

    def _refuse(self, connect: Connect, refused: Refused, reason_code: ReasonCode) -> None:
        self._connections.decisions.refused(refused, "connect", connect.client_id, client_id=connect.client_id)
        if self._outgoing.closed:
            return
        answer = refusal(Version(connect.version), reason_code)
        if answer and len(answer) <= (connect.properties.maximum_packet_size or len(answer)):
            self._outgoing.write(answer)
        self._outgoing.close()
