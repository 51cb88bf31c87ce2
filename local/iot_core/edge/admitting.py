"""Who is let in: by the authorizer, and by the policy that it gave."""

import logging
import uuid
from collections.abc import Callable
from functools import partial

from iot_core.authorizers.authorization import Authorization, Forbidden, Gateway, Refused
from iot_core.authorizers.event import ConnectionRequest
from iot_core.broker.client import Origin
from iot_core.decisions import Decisions
from iot_core.edge.admission import Admission
from iot_core.edge.arrival import Arrival
from iot_core.edge.connect_rules import connect_attributes, connection_request
from iot_core.mqtt import Connect
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason
from iot_policies.evaluator import Connection

_logger = logging.getLogger(__name__)


class Admitting:
    """Asks the gateway about clients. Whatever is no clear yes is a no."""

    def __init__(
        self,
        gateway: Gateway,
        decisions: Decisions,
        *,
        arn_prefix: str,
        time_scale: float,
        clock: Callable[[], float],
    ) -> None:
        """`time_scale` seconds of an authorizer's answer pass in one of `clock`'s."""
        self.configuration = 0
        """The number of the configuration in force: answers of another one are to be renewed."""
        self._gateway = gateway
        self._decisions = decisions
        self._arn_prefix = arn_prefix
        self._time_scale = time_scale
        self._now = clock

    async def admit(self, connect: Connect, arrival: Arrival) -> Admission:
        """Lets a client in. Raises Refused."""
        started, configuration, connection_id = self._now(), self.configuration, str(uuid.uuid4())
        client_id = connect.client_id or f"$GEN/{uuid.uuid4()}"
        request, origin = connection_request(connect, arrival), arrival.origin
        authorization, permissions = await self._ask(connect, client_id, request, origin, connection_id)
        self._check_will(connect, permissions, authorization)
        answer = authorization.answer
        return Admission(
            connect=connect,
            client_id=client_id,
            origin=origin,
            request=request,
            connection_id=connection_id,
            authorization=authorization,
            permissions=permissions,
            disconnect_at=started + answer.disconnect_after_in_seconds / self._time_scale,
            refresh_at=started + answer.refresh_after_in_seconds / self._time_scale,
            configuration=configuration,
        )

    async def renew(self, admission: Admission) -> None:
        """Asks the same again, and goes by the new answer. Only the end stays as it was. Raises Refused."""
        started, configuration = self._now(), self.configuration
        authorization, permissions = await self._ask(
            admission.connect, admission.client_id, admission.request, admission.origin, admission.connection_id
        )
        self._decisions.by_policy(authorization, admission.client_id, "refresh", admission.client_id, True)
        admission.authorization, admission.permissions = authorization, permissions
        admission.refresh_at = started + authorization.answer.refresh_after_in_seconds / self._time_scale
        admission.configuration = configuration

    async def _ask(
        self, connect: Connect, client_id: str, request: ConnectionRequest, origin: Origin, connection_id: str
    ) -> tuple[Authorization, Permissions]:
        try:
            authorization = await self._gateway.authorize(request, connection_id=connection_id)
            permissions = self._permissions(connect, client_id, origin, authorization)
            if not permissions.may_connect(client_id):
                raise Forbidden(IotCoreReason.CONNECT_NOT_ALLOWED, "", authorization)
        except Refused:
            raise
        except Exception as error:
            _logger.exception("a client could not be authorized")
            raise Refused(IotCoreReason.IOT_CORE_ERROR, f"{type(error).__name__}: {error}") from error
        return authorization, permissions

    def _permissions(
        self, connect: Connect, client_id: str, origin: Origin, authorization: Authorization
    ) -> Permissions:
        """The policy's answers for one connection, each told to the feed once."""
        known = Connection(
            client_id=client_id, source_ip=origin.source[0], connect_attributes=connect_attributes(connect)
        )
        on_decision = partial(self._decisions.by_policy, authorization, client_id)
        return Permissions(authorization.evaluator(known), self._arn_prefix, on_decision)

    def _check_will(self, connect: Connect, permissions: Permissions, authorization: Authorization) -> None:
        will = connect.will
        if will is None:
            return
        if not permissions.may_publish(will.topic) or (will.retain and not permissions.may_retain(will.topic)):
            raise Forbidden(IotCoreReason.WILL_NOT_ALLOWED, "the policy does not allow the Will", authorization)
