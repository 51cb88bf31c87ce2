"""IoT Core without ports. Only its function is not real: it answers by token."""

import base64
import queue
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iot_core.authorizers.invocation import Authorization
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.broker.client import Client, Origin
from iot_core.broker.limits import IOT_CORE
from iot_core.core import IotCore
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import BrokenHandler, Invocation, LambdaFunction
from iot_core.mqtt import Connect, Decoder, Packet, Properties, Publish, Subscribe, Subscription, Version, Will
from iot_core.permissions import Permissions
from iot_policies.evaluator import Evaluator
from tests.clock import Clock

ARN = "arn:aws:iot:eu-west-1:123456789012:"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
ENDPOINT = "localhost:8443"
SOURCE, TARGET = ("127.0.0.2", 50_000), ("127.0.0.1", 8443)


def statement(effect: str, action: str, resource: str) -> dict[str, str]:
    return {"Effect": effect, "Action": action, "Resource": resource}


class Function(LambdaFunction):
    """Allows a client with the token `ann` to publish below `ann/` and to read the retained messages there."""

    def __init__(self, events: list[Mapping[str, object]], at_work: Callable[[], None]) -> None:
        self.events = events
        self.at_work = at_work

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        self.events.append(event)
        self.at_work()
        token = _token(event)
        if token == "broken":
            raise BrokenHandler("the handler raised RuntimeError: no")
        answer: dict[str, object] = {
            "isAuthenticated": token == "ann",
            "principalId": "ann",
            "disconnectAfterInSeconds": 3600,
            "refreshAfterInSeconds": 300,
            "policyDocuments": [{"Version": "2012-10-17", "Statement": STATEMENTS}],
        }
        if token != "ann":
            return Invocation(answer, {"decision": "refused", "reason": "expired", "detail": "an hour ago"})
        return Invocation(answer, {"decision": "allowed", "principal": "ann", "source": "header"})


STATEMENTS = [
    statement("Allow", "iot:Publish", f"{ARN}topic/ann/*"),
    statement("Allow", "iot:RetainPublish", f"{ARN}topic/ann/kept/*"),
    statement("Allow", "iot:GetRetainedMessage", f"{ARN}topic/ann/*"),
    statement("Allow", "iot:ListRetainedMessages", "*"),
    statement("Allow", "iot:Publish", f"{ARN}topic/from/${{aws:SourceIp}}"),
]


def _token(event: Mapping[str, object]) -> object:
    if "token" in event:
        return event["token"]
    data = event["protocolData"]
    assert isinstance(data, dict)
    headers = data.get("http", {}).get("headers", {})
    password = data.get("mqtt", {}).get("password")
    return base64.b64decode(password).decode() if password else headers.get("token")


class Listener:
    """A connected client, with what it gets."""

    def __init__(self) -> None:
        self.slow = False
        self.packets: queue.Queue[Packet] = queue.Queue()
        self.closed = False
        self._decoder = Decoder(IOT_CORE.packet)
        self._decoder.version = Version.MQTT_5

    def write(self, chunk: bytes) -> None:
        self._decoder.receive(chunk)
        while (packet := self._decoder.next()) is not None:
            self.packets.put(packet)

    def close(self) -> None:
        self.closed = True

    def message(self) -> Publish:
        """The next message."""
        while not isinstance(packet := self.packets.get_nowait(), Publish):
            pass
        return packet


def _explain(_: Authorization, question: str, resource: str, __: str | None) -> Sequence[str]:
    return [f"because of {question} {resource}"]


def everything() -> Permissions:
    """A policy that allows everything."""
    document = {"Version": "2012-10-17", "Statement": [statement("Allow", "*", "*")]}
    return Permissions(Evaluator([document]), ARN, lambda *_: None)


class Core(IotCore):
    """IoT Core, and what tests do to it."""

    clock: Clock

    def __init__(self, folder: Path) -> None:
        clock = Clock(1_000_000)
        super().__init__(
            folder,
            persistent=False,
            region="eu-west-1",
            clock=clock,
            wall_clock=clock,
        )
        self.events: list[Mapping[str, object]] = []
        self.during_invocation: Callable[[], None] = lambda: None
        """What happens while the function runs."""
        self.endpoint_address = ENDPOINT
        self.server_name: str | None = None
        """As if requests came over TLS."""
        self._environments = ExecutionEnvironments(lambda: Function(self.events, self._at_work))
        self.put(name="chat", signing_disabled=True, token_key_name="token")
        self.authorizers.set_default("chat")

    def close(self) -> None:
        self._environments.close()
        super().close()

    def reload(self) -> None:
        """Puts the same configuration into force again."""
        self.configure(self.authorizers.describe("chat"), self.invoker.functions, _explain)

    def _at_work(self) -> None:
        self.during_invocation()

    def put(self, **fields: object) -> None:
        """Configures an authorizer."""
        now = self.clock()
        known: dict[str, object] = {"function_arn": FUNCTION_ARN, "status": "ACTIVE"}
        known |= {"creation_date": now, "last_modified_date": now}
        description = AuthorizerDescription(**{**known, **fields})  # type: ignore[arg-type]
        self.configure(description, {FUNCTION_ARN: self._environments}, _explain)

    def listen(
        self, client_id: str = "listener", *topic_filters: str, will: Will | None = None, expiry: int = 0
    ) -> Listener:
        """Connects a client and subscribes it."""
        listener = Listener()
        connect = Connect(
            Version.MQTT_5,
            client_id,
            clean_start=True,
            keep_alive=60,
            user_name=None,
            password=None,
            will=will,
            properties=Properties(session_expiry_interval=expiry),
        )
        client: Client = self.broker.connect(
            connect, client_id, everything(), listener, Origin(SOURCE, TARGET), "listener"
        )
        for number, topic_filter in enumerate(topic_filters, start=1):
            self.broker.receive(client, Subscribe(number, (Subscription(topic_filter, 1),), Properties()))
        return listener
