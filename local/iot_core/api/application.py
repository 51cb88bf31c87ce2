"""Everything that answers HTTP: AWS's operations and the routes of the caller, behind the host check.

It is loaded for the first HTTP request (`server.py`), since it takes longer to load than all that MQTT needs.
"""

from collections.abc import Collection, Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from iot_core.api import operations
from iot_core.api.identity_pools import is_open
from iot_core.core import IotCore
from iot_core.edge.host_check import HostCheck, HostNames
from iot_core.edge.http_connection import HttpServer


def http_server(
    core: IotCore, names: HostNames, routes: Sequence[BaseRoute], open_paths: Collection[str]
) -> HttpServer:
    """Makes the HTTP server of one IoT Core. What is at `open_paths` checks the Origin header itself."""
    application = Starlette(routes=[*routes, *operations.routes(core)], exception_handlers={404: operations.not_found})
    application.router.redirect_slashes = False  # AWS answers 404, and a redirect would have the query's token.
    return HttpServer(HostCheck(application, names, lambda scope: scope["path"] in open_paths or is_open(scope)))
