"""All operations at their paths (botocore's models `iot` and `iot-data`)."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from iot_core.api.authorizers import AuthorizerOperations
from iot_core.api.callers import Callers
from iot_core.api.connections import Connections
from iot_core.api.endpoints import Endpoints
from iot_core.api.errors import unknown_operation
from iot_core.api.operations import Operations, with_request_id
from iot_core.api.publishing import Publishing
from iot_core.api.retained import RetainedMessageOperations
from iot_core.api.testing import Testing
from iot_core.core import IotCore


def routes(core: IotCore) -> list[BaseRoute]:
    """The control plane and the data plane, for a Starlette app."""
    return [*_control_plane(core), *_data_plane(core), Route("/mqtt", _no_upgrade)]


def _control_plane(core: IotCore) -> list[BaseRoute]:
    authorizers = AuthorizerOperations(core)
    return [
        Operations("/authorizer/{authorizerName}/test", {"POST": Testing(core).invoke}),
        Operations(
            "/authorizer/{authorizerName}",
            {
                "POST": authorizers.create,
                "GET": authorizers.describe,
                "PUT": authorizers.update,
                "DELETE": authorizers.delete,
            },
        ),
        Operations("/authorizers/", {"GET": authorizers.list}),
        Operations("/authorizers", {"GET": authorizers.list}),
        Operations(
            "/default-authorizer",
            {
                "POST": authorizers.set_default,
                "GET": authorizers.describe_default,
                "DELETE": authorizers.clear_default,
            },
        ),
        Operations("/endpoint", {"GET": Endpoints(core).describe}),
    ]


def _data_plane(core: IotCore) -> list[BaseRoute]:
    callers = Callers(core)
    retained = RetainedMessageOperations(core, callers)
    connections = Connections(core)
    return [
        Operations("/topics/{topic+}", {"POST": Publishing(core, callers).publish}),
        Operations("/retainedMessage/{topic+}", {"GET": retained.get}),
        Operations("/retainedMessage", {"GET": retained.list}),
        Operations("/connections/{clientId}/subscriptions", {"GET": connections.subscriptions}),
        Operations("/connections/{clientId}", {"GET": connections.get, "DELETE": connections.delete}),
    ]


async def not_found(request: Request, _: Exception) -> Response:
    """Answers for a path that nobody serves: a Starlette app's `exception_handlers={404: not_found}`."""
    return with_request_id(unknown_operation(request.method, request.scope["path"]).response())


async def _no_upgrade(_: Request) -> Response:
    """A WebSocket's path without its upgrade: a browser's address bar, say."""
    text = "MQTT over WebSocket is here: connect an MQTT client, with the subprotocol mqtt, to ws:// or wss://\n"
    return PlainTextResponse(text, 426, {"Upgrade": "websocket"})
