"""The operations at one path, matched on the path as it came, so that a `%2F` in a name is not a slash."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote, unquote_to_bytes

from starlette.datastructures import URLPath
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from iot_core.api.errors import ApiError, internal_failure, invalid_member, method_not_allowed

Handler = Callable[[Request], Awaitable[Response]]

_LABEL = re.compile(r"\{(\w+)(\+?)\}")
_logger = logging.getLogger(__name__)


class Operations(BaseRoute):
    """All methods of one path. Whatever goes wrong is answered as AWS does, and every answer has a request ID."""

    def __init__(self, path: str, handlers: Mapping[str, Handler]) -> None:
        """`path` is written as in AWS's models: `{name}` is one segment, `{name+}` one or more."""
        parts = _LABEL.split(path)
        pattern = "".join(
            f"(?P<{name}>{'.*' if plus else '[^/]+'})" + re.escape(text)
            for name, plus, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        )
        self._pattern = re.compile(re.escape(parts[0]) + pattern)
        self._handlers = handlers

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Matches the path alone: a wrong method is answered here, too."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self._pattern.fullmatch(_raw_path(scope))
        return (Match.FULL, {"path_params": found.groupdict()}) if found else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: str) -> URLPath:
        """Operations are found by AWS's clients, never by name."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
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
    """An answer with an ID of its own, as all answers of AWS have."""
    response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return response


def label(request: Request, name: str) -> str:
    """A name in the path, percent-decoded once; a plus is a plus. Raises ApiError where it is no UTF-8."""
    try:
        return unquote_to_bytes(request.path_params[name]).decode()
    except UnicodeDecodeError:
        raise invalid_member(name, "Member must be UTF-8, percent-encoded") from None


def _raw_path(scope: Scope) -> str:
    raw_path: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1")
