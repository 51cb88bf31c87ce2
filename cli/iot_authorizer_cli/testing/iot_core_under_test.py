"""IoT Core with a project's authorizer, and the questions that tests ask it."""

import contextlib
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import get_args

from iot_authorizer.reasons import Reason
from iot_authorizer_cli.examples.proposal import propose
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.project.development_issuer import principal_of
from iot_authorizer_cli.project.key_ring import signing_pair
from iot_authorizer_cli.snippets.settings import ClientEndpoint, ClientSettings
from iot_authorizer_cli.testing.connection_records import ConnectionRecords
from iot_authorizer_cli.testing.mqtt_test_client import ClientRefused, MqttTestClient
from iot_core.authorizers.invocation import Authorization, Refused
from iot_core.broker.client import Origin
from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import check_client_id, check_resource
from iot_core.edge.client_authorization import ClientAuthorizer, NetworkContext
from iot_core.feed import Record
from iot_core.iam.access_keys import IamPrincipal
from iot_core.mqtt import Connect, Version
from iot_core.permissions import Permissions
from iot_core.reasons import IotCoreReason
from iot_policies.connection import Connection
from iot_policies.explaining import Question
from iot_policies.topics import check_direct_message

_CLIENT_ID_DENIED = {Reason.CLIENT_ID_NOT_GRANTED, IotCoreReason.CONNECT_NOT_ALLOWED}
"""The reason codes that mean: the policy allows another client ID, or none."""
_CLAIMS: Mapping[str, object] = {}


class IotCoreUnderTest(LocalIotCore):
    """IoT Core with the authorizer of a project, for tests.

    - `client("ann", {"rooms": ["lobby"]})` connects a client with a token for ann that has these claims. The client has
      `publish(topic, payload)`, `subscribe(topic_filter)` and `received()`, which returns `(topic, payload)` pairs.
      What is refused raises `ClientRefused`, with the `reason`.
    - `allows("ann", {"rooms": ["lobby"]}, "publish", "rooms/lobby/say/ann")` says whether IoT Core allows ann to
      `connect` (with a client ID), `publish`, `retain`, `subscribe`, `receive`, `read` or `send` (with a client ID and
      a topic).
    - `decisions` has the records of the last decisions, the oldest first. If a test fails, pytest prints them.

    `client_id` is any that the template grants, unless you give one. The principal None has no credentials: give it a
    `client_id`. With a name, the development issuer signs the token, unless you give another `token`: one that rules
    of your own accept. `with` runs it in a thread.
    """

    _clients: contextlib.ExitStack

    def __enter__(self) -> "IotCoreUnderTest":
        super().__enter__()
        self._clients = contextlib.ExitStack()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._clients.close()
        finally:
            super().__exit__(kind, error, trace)

    @property
    def decisions(self) -> list[Record]:
        """The decisions of the authorizer and of policies, the oldest first, with explanations."""
        return [record for record in self.call(lambda: list(self.feed.recent())) if record["kind"] == "decision"]

    def described_decisions(self) -> str:
        """The decisions in lines, each with what decided it."""
        return "\n".join(map(_described, self.decisions)) or "none"

    def client(
        self,
        principal: str | None,
        claims: Mapping[str, object] = _CLAIMS,
        *,
        client_id: str | None = None,
        token: str | None = None,
    ) -> MqttTestClient:
        """Connects a client, which is disconnected at the end. Raises ClientRefused."""
        __tracebackhide__ = True
        settings = self._settings(principal, claims, client_id, token)
        client_id, user_name = settings.client_ids[0], settings.mqtt_user_name
        records = ConnectionRecords(self, self.feed, client_id)
        return self._clients.enter_context(MqttTestClient(self.port, client_id, user_name, records))

    def allows(
        self,
        principal: str | None,
        claims: Mapping[str, object],
        action: Question,
        topic: str,
        *,
        client_id: str | None = None,
        token: str | None = None,
    ) -> bool:
        """Whether a client's policy allows an action.

        `topic` is the client ID for `connect`, and a client ID and a topic for `send`. Asks as IoT Core does: invokes
        the authorizer's function and evaluates its answer. Raises ClientRefused for a client that cannot connect for
        another reason than its policy, also for a `client_id` that is not granted, so that no test passes for the wrong
        reason. Raises ValueError for an unknown action, and for a topic or client ID that IoT Core refuses under every
        policy.
        """
        _check(action, topic, client_id)
        settings = self._settings(principal, claims, topic if action == "connect" else client_id, token)
        proposed = client_id is None and self.configuration.template is not None
        denials = {Reason.NOTHING_GRANTED} | (_CLIENT_ID_DENIED if action == "connect" or proposed else set())
        return self.run(lambda: self._asks(settings, action, topic, denials))

    async def _asks(self, settings: ClientSettings, action: Question, topic: str, denials: Collection[str]) -> bool:
        """Asks on the event loop. A client that is refused for one of the reason codes `denials` may do nothing."""
        core, client_id = self.iot_core, settings.client_ids[0]
        asking = ClientAuthorizer(core.invoker, core.decisions, core.arn_prefix, core.time_scale, core.clock)
        connect = Connect(Version.MQTT_3_1_1, client_id, user_name=settings.mqtt_user_name)
        try:
            found = await asking.authorize(connect, NetworkContext(Origin((self.host, 0), (self.host, self.port))))
        except Refused as refused:
            core.decisions.refused(refused, "connect", client_id, client_id=client_id)
            if refused.reason in denials:
                return False
            *_, record = core.feed.recent(lambda record: record["id"] == core.feed.last_id)
            raise ClientRefused(f"connect as {client_id}", record) from None
        core.decisions.by_policy(found.authorization, client_id, "connect", client_id, True)
        if action in ("read", "send"):
            return _allows_over_https(found.authorization, core.arn_prefix, topic, is_message=action == "send")
        return action == "connect" or _allows(found.permissions, action, topic)

    def _settings(
        self, principal: str | None, claims: Mapping[str, object], client_id: str | None, token: str | None
    ) -> ClientSettings:
        """The credentials and the client ID of a client."""
        description = self.configuration.configured.description
        signature = None
        if principal is not None:
            token = token or self.token(principal, claims)
            pair = signing_pair(self.configuration.configured)
            signature = None if pair is None else pair.sign(token.encode())
        elif client_id is None:
            raise ValueError("a client without credentials needs a client_id")
        return ClientSettings(
            endpoint=ClientEndpoint(self.host, self.port, tls=False),
            authorizer=description.name,
            token_key_name=description.token_key_name,
            token=token,
            signature=signature,
            client_ids=(self._granted_id(str(principal), claims) if client_id is None else client_id,),
            topic="",
            topic_filter="",
        )

    def _granted_id(self, name: str, claims: Mapping[str, object]) -> str:
        template = self.configuration.template
        return name if template is None else propose(template, principal_of(name, claims)).client_ids[0]


def _described(decision: Record) -> str:
    word = "allowed" if decision["allowed"] else "refused" if decision["action"] == "connect" else "denied"
    because = decision.get("explanation")
    details = [decision.get("reason"), decision.get("detail"), *(because if isinstance(because, list) else ())]
    asked = (decision.get("principal"), decision["action"], decision.get("resource"))  # An empty client ID is left out.
    head = " ".join([f"{word}:", *(str(each) for each in asked if each)])
    return "\n    ".join([head, *(str(each) for each in details if each)])


def _check(action: str, topic: str, client_id: str | None) -> None:
    if action not in get_args(Question):
        raise ValueError(f"{action}: expected one of {', '.join(get_args(Question))}")
    check_resource(action, topic, IOT_CORE)
    check_client_id(client_id or "", IOT_CORE)


def _allows_over_https(by: Authorization | IamPrincipal, prefix: str, resource: str, *, is_message: bool) -> bool:
    """Whether a policy allows to send a direct message, or to read a retained message."""
    if not is_message:
        return by.evaluator(Connection()).allows("iot:GetRetainedMessage", f"{prefix}topic/{resource}")
    receiver, topic = check_direct_message(resource)
    return by.evaluator(Connection(topic=topic)).allows("iot:SendDirectMessage", f"{prefix}client/{receiver}")


def _allows(permissions: Permissions, action: str, topic: str) -> bool:
    if action == "subscribe":
        return permissions.may_subscribe(topic)
    if action == "receive":
        return permissions.may_receive(topic)
    return permissions.may_publish(topic) and (action == "publish" or permissions.may_retain(topic))
