"""IoT Core without ports. Only its function is not real: it answers by token."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from iot_core.authorizers.invocation import Asked, AuthorizerCall
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.core import IotCore
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.loaded_function import ThreadFunction
from iot_core.mqtt import Connect, Properties, Version, Will
from iot_policies.account_region import AccountRegion
from tests.clock import Clock
from tests.local.broker.peer import Peer, Policy

ARN = "arn:aws:iot:eu-west-1:123456789012:"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer"
PROVIDER = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
ENDPOINT = "localhost:8443"


def statement(effect: str, action: str, resource: str) -> dict[str, str]:
    return {"Effect": effect, "Action": action, "Resource": resource}


class Function:
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
        name = _KNOWN.get(token)
        answer: dict[str, object] = {
            "isAuthenticated": name is not None,
            "principalId": "ann",
            "disconnectAfterInSeconds": 300,
            "refreshAfterInSeconds": 600,
            "policyDocuments": [{"Version": "2012-10-17", "Statement": STATEMENTS}],
        }
        if name is None:
            return Invocation(answer, {"decision": "refused", "reason": "expired", "detail": "an hour ago"})
        source = "anonymous" if name == "anonymous" else "header"
        return Invocation(answer, {"decision": "allowed", "principal": name, "source": source})


STATEMENTS = [
    statement("Allow", "iot:Publish", f"{ARN}topic/ann/*"),
    statement("Allow", "iot:RetainPublish", f"{ARN}topic/ann/kept/*"),
    statement("Allow", "iot:GetRetainedMessage", f"{ARN}topic/ann/*"),
    statement("Allow", "iot:ListRetainedMessages", "*"),
    statement("Allow", "iot:Publish", f"{ARN}topic/from/${{aws:SourceIp}}"),
    {
        **statement("Allow", "iot:SendDirectMessage", f"{ARN}client/site/*"),
        "Condition": {"StringLike": {"iot:Topic": ["devices/7/*"]}},
    },
]


def login(subject: str, issuer: str = f"https://{PROVIDER}") -> str:
    """A JWT, which the function accepts if it is of the provider, and for `ann` or `bob`; for `anonymous` unread."""
    claims = base64.urlsafe_b64encode(json.dumps({"iss": issuer, "sub": subject}).encode()).rstrip(b"=")
    return f"e30.{claims.decode()}.signature"


_KNOWN: Mapping[object, str] = {"ann": "ann", **{login(name): name for name in ("ann", "bob", "anonymous")}}


def _token(event: Mapping[str, object]) -> object:
    if "token" in event:
        return event["token"]
    data = event["protocolData"]
    assert isinstance(data, dict)
    headers = data.get("http", {}).get("headers", {})
    password = data.get("mqtt", {}).get("password")
    return base64.b64decode(password).decode() if password else headers.get("token")


def _explain(_: AuthorizerCall, asked: Asked, __: str | None) -> Sequence[str]:
    return [f"because of {asked.action} {asked.resource}"]


class Core(IotCore):
    """IoT Core, and what tests do to it."""

    clock: Clock

    def __init__(self, folder: Path) -> None:
        clock = Clock(1_000_000)
        super().__init__(
            folder,
            persistent=False,
            place=AccountRegion("eu-west-1", "123456789012"),
            clock=clock,
            wall_clock=clock,
        )
        self.events: list[Mapping[str, object]] = []
        self.during_invocation: Callable[[], None] = lambda: None
        """What happens while the function runs."""
        self.endpoint_address = ENDPOINT
        self.server_name: str | None = None
        """As if requests came over TLS."""
        self._environments = ExecutionEnvironments(lambda: ThreadFunction(Function(self.events, self._at_work).invoke))
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
        self,
        client_id: str = "listener",
        *topic_filters: str,
        will: Will | None = None,
        expiry: int = 0,
        resumes: bool = False,
    ) -> Peer:
        """Connects a client and subscribes it."""
        properties = Properties(session_expiry_interval=expiry)
        connect = Connect(Version.MQTT_5, client_id, not resumes, 60, None, None, will, properties)
        listener = Peer(self.broker, connect, Policy(), client_id)
        for topic_filter in topic_filters:
            listener.subscribe(topic_filter, qos=1)
        return listener
