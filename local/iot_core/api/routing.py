"""Routes requests to operations, by the path before percent-decoding: a `%2F` in a name is not a slash."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from starlette.datastructures import URLPath
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from iot_core.api.errors import ApiError, internal_failure, method_not_allowed

Handler = Callable[[Request], Awaitable[Response]]

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_logger = logging.getLogger(__name__)


class OperationRoute(BaseRoute):
    """The operations at one path, by method. Every answer has a request ID, and every error is answered as AWS does."""

    def __init__(self, path: str, handlers: Mapping[str, Handler]) -> None:
        """`path` has the form of AWS's models: `{name}` is one segment, `{name+}` one or more."""
        parts = _LABEL.split(path)
        pattern = "".join(
            f"(?P<{name}>{'.*' if plus else '[^/]+'})" + re.escape(text)
            for name, plus, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        )
        self._pattern = re.compile(re.escape(parts[0]) + pattern)
        self._handlers = handlers

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match only the path, because this route also answers a wrong method."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._pattern.fullmatch(_raw_path(scope))
        return (Match.FULL, {"path_params": found.groupdict()}) if found else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: str) -> URLPath:
        """Raise NoMatchFound: operations have no names."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            response = await self._answer(Request(scope, receive, send))
        except ClientDisconnect:
            return
        await with_request_id(response)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get(request.method)
        try:
            if handler is None:
                raise method_not_allowed(request.method, ", ".join(self._handlers))
            return await handler(request)
        except ApiError as error:
            return error.response()
        except ClientDisconnect:
            raise
        except Exception:
            _logger.exception("%s %s failed", request.method, request.scope["path"])
            return internal_failure().response()


def with_request_id(response: Response) -> Response:
    """Add a request ID to an answer."""
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def _raw_path(scope: Scope) -> str:
    raw_path: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1")
