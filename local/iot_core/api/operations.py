"""The table of all operations, as in botocore's models `iot` and `iot-data`, their routes, and DescribeEndpoint.

Routes match the path before percent-decoding: a `%2F` in a name is not a slash.
"""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import URLPath
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send

from iot_core.api.authorizers import AuthorizerOperations
from iot_core.api.connections import ConnectionOperations
from iot_core.api.direct_messages import DirectMessageOperation
from iot_core.api.errors import ApiError, internal_failure, invalid_request, method_not_allowed, unknown_operation
from iot_core.api.http_authorization import HttpAuthorization
from iot_core.api.identity_pools import PREFLIGHT, TARGET, IdentityPools
from iot_core.api.parameters import label
from iot_core.api.publish import PublishOperation
from iot_core.api.query_protocol import FORM
from iot_core.api.retained_messages import RetainedMessageOperations
from iot_core.api.security_tokens import SecurityTokens
from iot_core.api.signed_requests import SignedRequests
from iot_core.api.topic_rules import TopicRuleOperations
from iot_core.core import IotCore

Handler = Callable[[Request], Awaitable[Response]]

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_logger = logging.getLogger(__name__)
_ENDPOINT_TYPES = frozenset({"iot:Data", "iot:Data-ATS"})


class Plane(NamedTuple):
    """What the operations of the control plane or of the data plane share."""

    signed: SignedRequests
    authorization: HttpAuthorization


class Operation(NamedTuple):
    """An operation, and what the sender of a signed request needs for it."""

    handle: Handler
    action: str | None
    """The action that its policy must allow; None if `handle` asks the policy itself."""
    kind: str = ""
    """The kind of the resource, which the path names; empty for all resources, `*`."""


class OperationRoute(BaseRoute):
    """The operations at one path, by method.

    A signed request is verified first, and its sender must be allowed to use the operation. Every answer has a request
    ID, and every error is answered as AWS does.
    """

    def __init__(self, plane: Plane | None, path: str, operations: Mapping[str, Operation]) -> None:
        """`path` has the form of AWS's models: `{name}` is one segment, `{name+}` one or more.

        Without a plane, operations verify signatures themselves.
        """
        self._plane = plane
        parts = _LABEL.split(path)
        pattern = "".join(
            f"(?P<{name}>{'.*' if plus else '[^/]+'})" + re.escape(text)
            for name, plus, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        )
        self._pattern = re.compile(re.escape(parts[0]) + pattern)
        self._operations = operations

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Matches only the path, because this route also answers a wrong method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._pattern.fullmatch(_raw_path(scope))
        return (Match.FULL, {"path_params": found.groupdict()}) if found else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: str) -> URLPath:
        """Raises NoMatchFound: operations have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        try:
            response = await self._answer(Request(scope, receive, send))
        except ClientDisconnect:
            return
        await with_request_id(response)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        operation = self._operations.get(request.method)
        try:
            if operation is None:
                raise method_not_allowed(request.method, ", ".join(self._operations))
            if self._plane is None:
                return await operation.handle(request)
            verified = await self._plane.signed.verified(request)
            if operation.action is not None:
                name = label(request, next(iter(request.path_params))) if operation.kind else ""
                self._plane.authorization.require_of_signer(verified, operation.action, operation.kind, name)
            return await operation.handle(verified)
        except ApiError as error:
            return error.response()
        except ClientDisconnect:
            raise
        except Exception:
            _logger.exception("%s %s failed", request.method, request.scope["path"])
            return internal_failure().response()


def routes(core: IotCore) -> list[BaseRoute]:
    """Makes the routes of a Starlette app: the control plane and the data plane."""
    root = Root(core)
    at_root = {"POST": Operation(root.post, None), "OPTIONS": Operation(root.preflight, None)}
    return [
        *_control_plane(core),
        *_data_plane(core),
        OperationRoute(None, "/", at_root),
        Route("/mqtt", _no_upgrade),
    ]


def _control_plane(core: IotCore) -> list[BaseRoute]:
    authorizers = AuthorizerOperations(core)
    operations = partial(OperationRoute, Plane(SignedRequests(core, "iot"), HttpAuthorization(core)))
    authorizer = partial(Operation, kind="authorizer")
    # SetDefaultAuthorizer names its authorizer in the body. Its resource is `*` here: no policy for one authorizer
    # allows it.
    return [
        operations(
            "/authorizer/{authorizerName}/test",
            {"POST": authorizer(authorizers.test_invoke, "iot:TestInvokeAuthorizer")},
        ),
        operations(
            "/authorizer/{authorizerName}",
            {
                "POST": authorizer(authorizers.create, "iot:CreateAuthorizer"),
                "GET": authorizer(authorizers.describe, "iot:DescribeAuthorizer"),
                "PUT": authorizer(authorizers.update, "iot:UpdateAuthorizer"),
                "DELETE": authorizer(authorizers.delete, "iot:DeleteAuthorizer"),
            },
        ),
        operations("/authorizers/", {"GET": Operation(authorizers.list, "iot:ListAuthorizers")}),
        operations("/authorizers", {"GET": Operation(authorizers.list, "iot:ListAuthorizers")}),
        operations(
            "/default-authorizer",
            {
                "POST": Operation(authorizers.set_default, "iot:SetDefaultAuthorizer"),
                "GET": Operation(authorizers.describe_default, "iot:DescribeDefaultAuthorizer"),
                "DELETE": Operation(authorizers.clear_default, "iot:ClearDefaultAuthorizer"),
            },
        ),
        *_topic_rules(TopicRuleOperations(core), operations),
        operations("/endpoint", {"GET": Operation(partial(_describe_endpoint, core), "iot:DescribeEndpoint")}),
    ]


def _topic_rules(
    rules: TopicRuleOperations, operations: Callable[[str, Mapping[str, Operation]], BaseRoute]
) -> list[BaseRoute]:
    rule = partial(Operation, kind="rule")
    return [
        operations("/rules/{ruleName}/enable", {"POST": rule(rules.enable, "iot:EnableTopicRule")}),
        operations("/rules/{ruleName}/disable", {"POST": rule(rules.disable, "iot:DisableTopicRule")}),
        operations(
            "/rules/{ruleName}",
            {
                "POST": rule(rules.create, "iot:CreateTopicRule"),
                "GET": rule(rules.get, "iot:GetTopicRule"),
                "PATCH": rule(rules.replace, "iot:ReplaceTopicRule"),
                "DELETE": rule(rules.delete, "iot:DeleteTopicRule"),
            },
        ),
        operations("/rules", {"GET": Operation(rules.list, "iot:ListTopicRules")}),
    ]


def _data_plane(core: IotCore) -> list[BaseRoute]:
    authorization = HttpAuthorization(core)
    retained, connections = RetainedMessageOperations(core, authorization), ConnectionOperations(core)
    direct_messages = DirectMessageOperation(core, authorization)
    operations = partial(OperationRoute, Plane(SignedRequests(core, "iotdata"), authorization))
    client = partial(Operation, kind="client")
    return [
        operations("/topics/{topic+}", {"POST": Operation(PublishOperation(core, authorization).publish, None)}),
        operations("/retainedMessage/{topic+}", {"GET": Operation(retained.get, None)}),
        operations("/retainedMessage", {"GET": Operation(retained.list, None)}),
        operations("/connections/{clientId}/messages", {"POST": Operation(direct_messages.send, None)}),
        operations(
            "/connections/{clientId}/subscriptions",
            {"GET": client(connections.subscriptions, "iot:ListSubscriptions")},
        ),
        operations(
            "/connections/{clientId}",
            {
                "GET": client(connections.get, "iot:GetConnection"),
                "DELETE": client(connections.delete, "iot:DeleteConnection"),
            },
        ),
    ]


class Root:
    """The operations at `/`, of services with other protocols than IoT Core's: STS and Cognito."""

    def __init__(self, core: IotCore) -> None:
        self._security_tokens = SecurityTokens(core)
        self._identity_pools = IdentityPools(core)

    async def post(self, request: Request) -> Response:
        """An operation of the service whose protocol the request speaks. Raises ApiError."""
        if request.headers.get("x-amz-target", "").startswith(TARGET):
            return await self._identity_pools.answer(request)
        if request.headers.get("content-type", "").startswith(FORM):
            return await self._security_tokens.answer(request)
        raise unknown_operation(request.method, request.scope["path"])

    async def preflight(self, _: Request) -> Response:
        """Answers a browser that asks whether a page may use Cognito."""
        return Response(status_code=200, headers=PREFLIGHT)


async def _describe_endpoint(core: IotCore, request: Request) -> Response:
    """DescribeEndpoint (API_DescribeEndpoint): the TLS port's `host:port`, or only the host if the port is 443.

    Only data endpoints exist here. IoT Core's default is `iot:Data`. Raises ApiError.
    """
    endpoint_type = request.query_params.get("endpointType", "iot:Data")
    if endpoint_type not in _ENDPOINT_TYPES:
        known = ", ".join(sorted(_ENDPOINT_TYPES))
        raise invalid_request(f"Endpoint type {endpoint_type} not recognized: expected one of {known}")
    return JSONResponse({"endpointAddress": core.endpoint_address})


async def not_found(request: Request, _: Exception) -> Response:
    """Answers for an unknown path: a Starlette app's `exception_handlers={404: not_found}`."""
    return with_request_id(unknown_operation(request.method, request.scope["path"]).response())


async def _no_upgrade(_: Request) -> Response:
    """Answers for the path of WebSockets to a request without an upgrade, for example from a browser's address bar."""
    text = "MQTT over WebSocket is here: connect an MQTT client, with the subprotocol mqtt, to ws:// or wss://\n"
    return PlainTextResponse(text, 426, {"Upgrade": "websocket"})


def with_request_id(response: Response) -> Response:
    """Adds a request ID to an answer, if it has none."""
    response.headers.setdefault("x-amzn-RequestId", str(uuid.uuid4()))
    return response


def _raw_path(scope: Scope) -> str:
    raw_path: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1")
