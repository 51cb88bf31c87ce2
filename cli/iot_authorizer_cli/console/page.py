"""The page's own files, and the headers of every response of the console.

The page runs only its own scripts, whatever a topic or a payload contains, and no other page can embed it.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
_BUNDLE = "mqtt.esm.js"
_PACKAGES = Path(__file__).parents[3] / "node_modules"

_POLICY = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""The headers of every response."""


class PageFiles(StaticFiles):
    """Serves the page's scripts, styles and icon."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answers with a file, or with 404."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


async def index(_request: Request) -> Response:
    """Serves the page."""
    return FileResponse(STATIC / "index.html", headers=HEADERS)


async def mqtt_js(_request: Request) -> Response:
    """Serves MQTT.js as an ES module: from `node_modules` in a checkout, from the package in a wheel."""
    path = mqtt_js_path()
    if path is None:
        return PlainTextResponse("MQTT.js is not installed: run `npm ci`, or `make`\n", 404, headers=HEADERS)
    return FileResponse(path, headers=HEADERS, media_type="text/javascript")


def mqtt_js_path() -> Path | None:
    """The file of MQTT.js; None if it is not installed."""
    places = (STATIC / _BUNDLE, _PACKAGES / "mqtt/dist" / _BUNDLE)
    return next((path for path in places if path.is_file()), None)
