"""A route of an HTTP API (Amazon API Gateway) that invokes a Lambda function: payload format 2.0, any method.

1. Names of headers are in lower case, and values of equal names are joined by commas. Cookies are in a list.
2. A body is a text if its content type says so and it is UTF-8. Any other is base64.
3. The function must answer with `statusCode`, and with what HTTP can carry. API Gateway would also take JSON without
   `statusCode`, as a body; here that is a mistake of the function.
4. If the function fails or its answer is not valid, the client gets 500; if it is too slow, 503.
   unmeasured: that API Gateway answers 500 and 503 if a function fails or is too slow (assumed).
5. The feed has a decision for each invocation: what the function logged about it.

The function answers preflights itself. API Gateway takes 10 MB, this route 1 MB.
"""

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from iot_core.api.errors import ApiError
from iot_core.api.parameters import MOST_JSON, read_body
from iot_core.authorizers.invocation import Refused, run_function
from iot_core.core import IotCore
from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import Answer
from iot_core.reasons import IotCoreReason

_TEXTS = ("application/json", "application/xml", "application/javascript", "text/")
_HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
_HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e\u0080-\u00ff]*$")]
"""Of RFC 9110, section 5. A line break in a value would be another header."""


class _FunctionAnswer(BaseModel, strict=True):
    """What a function answers to a request."""

    status: Annotated[int, Field(alias="statusCode", ge=200, le=599)]
    headers: dict[_HeaderName, _HeaderValue] = {}
    body: str = ""


class HttpApiRoute:
    """An ASGI application that answers with what a function answers."""

    def __init__(self, core: IotCore, action: str, function: Callable[[], ExecutionEnvironments | None]) -> None:
        """`action` names it in the feed. `function` gives the function of now; None if the route does not exist."""
        self._core = core
        self._action = action
        self._function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except ApiError as error:
            response = error.response()
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        function = self._function()
        if function is None:
            return _own_answer(HTTPStatus.NOT_FOUND)
        event = _event(request, await read_body(request, MOST_JSON), self._core.place.account)
        resource = f"{request.method} {request.scope['path']}"
        try:
            answer, decision, _ = await run_function(function, event)
            response = _response(answer)
        except Refused as refused:
            self._core.decisions.refused(refused, self._action, resource)
            late = refused.reason in (IotCoreReason.FUNCTION_TIMEOUT, IotCoreReason.ENVIRONMENTS_BUSY)
            return _own_answer(HTTPStatus.SERVICE_UNAVAILABLE if late else HTTPStatus.INTERNAL_SERVER_ERROR)
        if decision:
            self._core.decisions.by_function(decision, self._action, resource)
        return response


def _event(request: Request, body: bytes, account: str) -> Mapping[str, object]:
    headers: dict[str, str] = {}
    cookies = []
    for name, value in request.headers.items():
        if name == "cookie":
            cookies += value.split("; ")
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    text = _text(body, headers.get("content-type", _TEXTS[0]))
    path = request.scope["path"]
    return {
        "version": "2.0",
        "routeKey": f"ANY {path}",
        "rawPath": path,
        "rawQueryString": request.scope["query_string"].decode("latin-1"),
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        "requestContext": {
            "accountId": account,
            "domainName": headers.get("host", ""),
            "http": {
                "method": request.method,
                "path": path,
                "protocol": f"HTTP/{request.scope['http_version']}",
                "sourceIp": request.client.host if request.client else "",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "stage": "$default",
            "timeEpoch": round(time.time() * 1000),
        },
        **({"body": base64.b64encode(body).decode() if text is None else text} if body else {}),
        "isBase64Encoded": text is None,
    }


def _text(body: bytes, content_type: str) -> str | None:
    """A body as text; None if it is not one."""
    if not content_type.startswith(_TEXTS):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _response(answer: Answer) -> Response:
    """The HTTP answer of a function's answer. Raises Refused."""
    try:
        found = _FunctionAnswer.model_validate(answer)
        return Response(found.body, found.status, found.headers)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        detail = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except UnicodeEncodeError:
        detail = "body: Input should be valid Unicode"
    raise Refused(IotCoreReason.FUNCTION_ERROR, f"the function's answer is not that of an HTTP API: {detail}")


def _own_answer(status: HTTPStatus) -> Response:
    return JSONResponse({"message": status.phrase}, status)
