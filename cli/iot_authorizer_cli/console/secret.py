"""The secret of the console. Without it, any user of this machine could make tokens and follow every decision.

1. It is made once and kept in the data folder (`secret_file.py`), so a restart breaks no tab.
2. `dev` prints the URL of the page with the secret. The first load puts it into a cookie, and leads to the URL without
   it: it does not stay in the address bar, and no bookmark or screenshot shows it. The user's page at `/web/` takes the
   secret in its URL too. The URL's other parameters stay.
3. Every path of the console and of the user's page needs the secret: a browser sends the cookie, a program
   `Authorization: Bearer SECRET`.
4. Pages of other sites can lead to a page, but send no other request with the cookie (`SameSite=Lax`). `Strict` would
   refuse a user who comes back from the sign-in page of an identity provider. No script can read it (`HttpOnly`).
5. Cookies have no port, so each port has its own name for it; other servers on the same host name do get it.

The model is Jupyter's token.
"""

import secrets
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from iot_authorizer_cli.console.secret_file import BEARER, PARAMETER, SECRET_FILE

PAGES = ("/", "/web/")
"""The paths of pages, which take the secret in their URL."""
_ADVICE = (
    "open the URL that `iot-authorizer dev` prints when it starts: it ends with /?secret=, "
    f"followed by the content of the file {SECRET_FILE} in its data folder (.iot-authorizer, or --data)"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>IoT Core on this machine: secret needed</title>
<h1>This page needs its secret</h1>
<p>The secret in the URL or in the cookie is {found}. Only the user who runs <code>iot-authorizer dev</code> can read
it.
<p>Open the URL that <code>iot-authorizer dev</code> prints when it starts, or make it yourself in the folder in which
it runs:
<pre>echo "{url}?secret=$(cat .iot-authorizer/console-secret)"</pre>
<p>With <code>--data</code>, the file is in that folder. If the URL leads here again, allow cookies for this page.
</html>
"""


class SecretCheck:
    """An ASGI application that passes only requests with the secret."""

    def __init__(self, application: ASGIApp, secret: str, headers: dict[str, str]) -> None:
        """`headers` are added to each of its own answers."""
        self._application = application
        self._secret = secret
        self._headers = {**headers, "Cache-Control": "no-store"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        await (self._answer(Request(scope)) or self._application)(scope, receive, send)

    def _answer(self, request: Request) -> Response | None:
        """The answer to a request that is not passed on."""
        is_page = request.scope["path"] in PAGES
        in_url = request.query_params.get(PARAMETER) if is_page else None
        sent = in_url or _bearer(request) or request.cookies.get(_cookie_name(request))
        if sent is None or not self._is_secret(sent):
            found = "missing" if sent is None else "wrong"
            return self._page(request, found) if is_page else self._refusal(found)
        return None if in_url is None else self._with_cookie(request)

    def _is_secret(self, sent: str) -> bool:
        return secrets.compare_digest(sent.encode("utf-8", "replace"), self._secret.encode())

    def _with_cookie(self, request: Request) -> Response:
        others = urlencode([each for each in request.query_params.multi_items() if each[0] != PARAMETER])
        response = RedirectResponse(request.scope["path"] + (others and f"?{others}"), 303, self._headers)
        is_tls = request.scope["scheme"] == "https"
        response.set_cookie(_cookie_name(request), self._secret, secure=is_tls, httponly=True, samesite="lax")
        return response

    def _page(self, request: Request, found: str) -> Response:
        url = escape(f"{request.scope['scheme']}://{request.headers.get('host', '')}{request.scope['path']}")
        return HTMLResponse(_PAGE.format(found=found, url=url), 403, self._headers)

    def _refusal(self, found: str) -> Response:
        return JSONResponse({"message": f"the console's secret is {found}: {_ADVICE}"}, 403, self._headers)


def _bearer(request: Request) -> str | None:
    value = request.headers.get("authorization", "")
    return value.removeprefix(BEARER) if value.startswith(BEARER) else None


def _cookie_name(request: Request) -> str:
    """The name of the cookie for the port in the browser's address bar."""
    _, _, port = request.headers.get("host", "").rpartition(":")
    return f"iot-authorizer-{port if port.isdecimal() else request.scope['scheme']}"
