"""A folder of the user's, which `dev` serves at `/web/` with the page of `connect --for browser`.

- `mqtt.js` there is the MQTT.js of the installed package, unless the folder has a file of this name.
- The page has the origin of the console, so its `fetchToken` can let the console make tokens. So it needs the console's
  secret too, and can do what the console can.
- A sign-in of an identity provider works: in the page, in a popup that it opens, or in a frame that leads back to it.
  Pages of other origins can neither embed the page nor keep hold of its window.
"""

import os
import shlex
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from iot_authorizer_cli.installed_program import installed_program

_BUNDLE = "mqtt.esm.js"
_STATIC = Path(__file__).parent / "static"
_PACKAGES = Path(__file__).parents[3] / "node_modules"
_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def mqtt_js_path() -> Path | None:
    """The file of MQTT.js as an ES module: of the package in a wheel, in a checkout that of npm; None if missing."""
    places = (_STATIC / _BUNDLE, _PACKAGES / "mqtt/dist" / _BUNDLE)
    return next((path for path in places if path.is_file()), None)


class WebFolder(StaticFiles):
    """Serves the files of a folder, which may be made later."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._folder = folder

    async def check_config(self) -> None:
        """Does nothing, in place of the check that the folder exists."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answers with a file. Without one, says how to get one."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            missing = "index.html" if path == "." else path
            response = PlainTextResponse(f"{self._folder} has no file {missing}. {self._how_to_write_a_page()}\n", 404)
        response.headers.update(_HEADERS)
        return response

    def _how_to_write_a_page(self) -> str:
        """A command for a folder without a page. It would replace a page."""
        page = self._folder / "index.html"
        if page.exists():
            return f"The page is {page}."
        folder, index = shlex.quote(str(self._folder)), shlex.quote(str(page))
        connect = f"{installed_program('iot-authorizer')} connect --for browser"
        return f"To write a page into it: mkdir -p {folder} && {connect} > {index}"

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Finds the file of a path."""
        found, status = super().lookup_path(path)
        package = mqtt_js_path()
        if status is None and path == "mqtt.js" and package is not None:
            return str(package), package.stat()
        return found, status
