"""The table of all operations, as in botocore's models `iot` and `iot-data`, and DescribeEndpoint."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from iot_core.api.authorizers import AuthorizerOperations
from iot_core.api.connections import ConnectionOperations
from iot_core.api.errors import invalid_request, unknown_operation
from iot_core.api.http_authorization import HttpAuthorization
from iot_core.api.publish import PublishOperation
from iot_core.api.retained_messages import RetainedMessageOperations
from iot_core.api.routing import OperationRoute, with_request_id
from iot_core.core import IotCore

_ENDPOINT_TYPES = frozenset({"iot:Data", "iot:Data-ATS"})


def routes(core: IotCore) -> list[BaseRoute]:
    """Make the routes of a Starlette app: the control plane and the data plane."""
    return [*_control_plane(core), *_data_plane(core), Route("/mqtt", _no_upgrade)]


def _control_plane(core: IotCore) -> list[BaseRoute]:
    authorizers = AuthorizerOperations(core)
    return [
        OperationRoute("/authorizer/{authorizerName}/test", {"POST": authorizers.test_invoke}),
        OperationRoute(
            "/authorizer/{authorizerName}",
            {
                "POST": authorizers.create,
                "GET": authorizers.describe,
                "PUT": authorizers.update,
                "DELETE": authorizers.delete,
            },
        ),
        OperationRoute("/authorizers/", {"GET": authorizers.list}),
        OperationRoute("/authorizers", {"GET": authorizers.list}),
        OperationRoute(
            "/default-authorizer",
            {
                "POST": authorizers.set_default,
                "GET": authorizers.describe_default,
                "DELETE": authorizers.clear_default,
            },
        ),
        OperationRoute("/endpoint", {"GET": partial(_describe_endpoint, core)}),
    ]


def _data_plane(core: IotCore) -> list[BaseRoute]:
    authorization = HttpAuthorization(core)
    retained = RetainedMessageOperations(core, authorization)
    connections = ConnectionOperations(core)
    return [
        OperationRoute("/topics/{topic+}", {"POST": PublishOperation(core, authorization).publish}),
        OperationRoute("/retainedMessage/{topic+}", {"GET": retained.get}),
        OperationRoute("/retainedMessage", {"GET": retained.list}),
        OperationRoute("/connections/{clientId}/subscriptions", {"GET": connections.subscriptions}),
        OperationRoute("/connections/{clientId}", {"GET": connections.get, "DELETE": connections.delete}),
    ]


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
    """Answer for an unknown path: a Starlette app's `exception_handlers={404: not_found}`."""
    return with_request_id(unknown_operation(request.method, request.scope["path"]).response())


async def _no_upgrade(_: Request) -> Response:
    """Answer for the path of WebSockets to a request without an upgrade, for example from a browser's address bar."""
    text = "MQTT over WebSocket is here: connect an MQTT client, with the subprotocol mqtt, to ws:// or wss://\n"
    return PlainTextResponse(text, 426, {"Upgrade": "websocket"})
