"""DescribeEndpoint (API_DescribeEndpoint)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import invalid_request
from iot_core.core import IotCore

_DATA = frozenset({"iot:Data", "iot:Data-ATS"})


class Endpoints:
    """The operation."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def describe(self, request: Request) -> Response:
        """The TLS port's `host:port`, and the host alone where the port is 443. Raises ApiError.

        Only data endpoints are served here; IoT Core's default is `iot:Data`.
        """
        endpoint_type = request.query_params.get("endpointType", "iot:Data")
        if endpoint_type not in _DATA:
            raise invalid_request(
                f"Endpoint type {endpoint_type} not recognized: {', '.join(sorted(_DATA))} are served"
            )
        return JSONResponse({"endpointAddress": self._core.endpoint_address})
