"""All MQTT connections: who is let in, and for how long."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial

from local.broker.broker import Broker
from local.broker.client import Origin
from local.broker.disconnect_reason import DisconnectReason
from local.event import ConnectionRequest
from local.gateway.admission import Admission
from local.gateway.authorization import Authorization, Gateway, Refused
from local.gateway.connect_rate import ConnectRate
from local.gateway.connect_rules import connect_attributes
from local.gateway.connection import MqttConnection
from local.gateway.feed import Feed
from local.gateway.outbox import Outbox
from local.gateway.permissions import Permissions
from local.mqtt import Connect, ReasonCode
from policies.evaluator import Connection

Explain = Callable[[Authorization, str, str, str], Sequence[str]]
"""Gives the reasons of a decision: of whom, the action in one word, the resource, the client ID."""


class Connections:
    """What all connections share. It runs on one event loop."""

    def __init__(
        self,
        *,
        broker: Broker,
        gateway: Gateway,
        feed: Feed,
        outbox: Outbox,
        explain: Explain,
        arn_prefix: str,
        time_scale: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`time_scale` seconds of an authorizer's answer pass in one of `clock`'s."""
        self.broker = broker
        self.limits = broker.limits
        self.feed = feed
        self.outbox = outbox
        self.now = clock
        self.connect_rate = ConnectRate(broker.limits, clock)
        self._gateway = gateway
        self._explain = explain
        self._arn_prefix = arn_prefix
        self._time_scale = time_scale
        self._all: set[MqttConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, connection: MqttConnection) -> None:
        """A connection is there."""
        self._all.add(connection)

    def discard(self, connection: MqttConnection) -> None:
        """A connection is gone."""
        self._all.discard(connection)

    def __len__(self) -> int:
        return len(self._all)

    async def admit(self, connect: Connect, client_id: str, request: ConnectionRequest, origin: Origin) -> Admission:
        """Lets a client in: by its authorizer, and by the policy that it gave. Raises Refused."""
        connection_id = str(uuid.uuid4())
        started = self.now()
        authorization = await self._gateway.authorize(request, connection_id=connection_id)
        permissions = self._permissions(connect, client_id, origin, authorization)
        if not permissions.may_connect(client_id):
            raise Refused("connect_not_allowed", decision=authorization.decision)
        self._check_will(connect, permissions, authorization)
        self._report("connect", client_id, True, authorization, client_id)
        answer = authorization.answer
        return Admission(
            connection_id=connection_id,
            request=request,
            authorization=authorization,
            permissions=permissions,
            disconnect_at=started + answer.disconnect_after_in_seconds / self._time_scale,
            refresh_at=started + answer.refresh_after_in_seconds / self._time_scale,
            connect=connect,
        )

    def report_refusal(self, client_id: str, refused: Refused, *, action: str = "connect") -> None:
        """Tells the feed of a client that is not let in, or not any more."""
        decision = refused.decision
        self.feed.add(
            "decision",
            action=action,
            resource=client_id,
            allowed=False,
            reason=refused.reason,
            detail=refused.detail,
            client_id=client_id,
            principal=decision.get("principal"),
            door=decision.get("door"),
            authorizer=decision.get("service"),
        )

    def check_time(self) -> None:
        """Does what is due: time-outs, refreshes, ends of sessions. To be called several times a second."""
        now = self.now()
        for connection in list(self._all):
            connection.check_time(now)
            admission, client = connection.admission, connection.client
            if admission is None or client is None or not client.connected:
                continue
            if now >= admission.disconnect_at:
                client.end(DisconnectReason.CUSTOMAUTH_TTL_EXPIRATION, ReasonCode.MAXIMUM_CONNECT_TIME)
            elif now >= admission.refresh_at and not admission.refreshing:
                self._refresh_soon(connection, admission)
        self.broker.tick()

    def refresh_all(self) -> None:
        """Asks the authorizer again about every client, since the configuration changed."""
        for connection in list(self._all):
            if connection.admission is not None and not connection.admission.refreshing:
                self._refresh_soon(connection, connection.admission)

    def close(self) -> None:
        """Ends all connections."""
        self.broker.close()
        for connection in list(self._all):
            connection.close()
        for task in self._tasks:
            task.cancel()

    def _refresh_soon(self, connection: MqttConnection, admission: Admission) -> None:
        admission.refreshing = True
        task = asyncio.get_running_loop().create_task(self._refresh(connection, admission))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _refresh(self, connection: MqttConnection, admission: Admission) -> None:
        """Asks the authorizer the same again, and goes on by its answer; whatever is no yes ends the connection."""
        client = connection.client
        if client is None:
            return
        try:
            authorization = await self._gateway.authorize(admission.request, connection_id=admission.connection_id)
            permissions = self._permissions(admission.connect, client.client_id, client.origin, authorization)
            if not permissions.may_connect(client.client_id):
                raise Refused("connect_not_allowed", decision=authorization.decision)
        except Refused as refused:
            self.report_refusal(client.client_id, refused, action="refresh")
            client.end(DisconnectReason.AUTH_ERROR, ReasonCode.NOT_AUTHORIZED)
        else:
            self._report("refresh", client.client_id, True, authorization, client.client_id)
            admission.authorization = authorization
            admission.permissions = client.permissions = permissions
            admission.refresh_at = self.now() + authorization.answer.refresh_after_in_seconds / self._time_scale
        finally:
            admission.refreshing = False
        self.outbox.flush()

    def _permissions(
        self, connect: Connect, client_id: str, origin: Origin, authorization: Authorization
    ) -> Permissions:
        """The policy's answers for one connection, each reported once."""
        known = Connection(
            client_id=client_id, source_ip=origin.source[0], connect_attributes=connect_attributes(connect)
        )
        evaluator = authorization.evaluator(known)
        return Permissions(evaluator, self._arn_prefix, partial(self._on_decision, authorization, client_id))

    def _check_will(self, connect: Connect, permissions: Permissions, authorization: Authorization) -> None:
        will = connect.will
        if will is None:
            return
        if not permissions.may_publish(will.topic) or (will.retain and not permissions.may_retain(will.topic)):
            raise Refused("will_not_allowed", "the policy does not allow the Will", decision=authorization.decision)

    def _on_decision(
        self, authorization: Authorization, client_id: str, action: str, resource: str, allowed: bool
    ) -> None:
        self._report(action, resource, allowed, authorization, client_id)

    def _report(self, action: str, resource: str, allowed: bool, authorization: Authorization, client_id: str) -> None:
        self.feed.add(
            "decision",
            partial(self._explain, authorization, action, resource, client_id),
            action=action,
            resource=resource,
            allowed=allowed,
            reason=None if allowed else "not_allowed_by_policy",
            client_id=client_id,
            principal=authorization.principal,
            door=authorization.door,
            authorizer=authorization.authorizer,
        )
