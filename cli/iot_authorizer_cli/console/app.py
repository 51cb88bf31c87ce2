"""The console's HTTP endpoints: the page at `/`, what it asks for below `/console/`, and the user's page at `/web/`.

- JSON in, JSON out. An error is `{"message", "field"}`, and the page shows the message beside the field.
- The feed of decisions is a stream of server-sent events (HTML standard, "Server-sent events"): first the recent
  records, then the event `live`, then each new record. A client that connects again gets the recent records again.
- The page runs only its own scripts, for any content of topics and payloads, and no other page can embed it.
- Every path needs the console's secret (`secret.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from iot_authorizer.reasons import Reason
from iot_authorizer_cli.console import bodies
from iot_authorizer_cli.console.edits import EditDesk, effect_on, read_edit, read_valid_edit
from iot_authorizer_cli.console.live_clients import ConnectedClient
from iot_authorizer_cli.console.policy import compiled
from iot_authorizer_cli.console.question_command import question_command
from iot_authorizer_cli.console.secret import SecretCheck
from iot_authorizer_cli.console.stored_messages import stored_messages
from iot_authorizer_cli.console.template_review import TemplateReview
from iot_authorizer_cli.console.template_text import TemplateText
from iot_authorizer_cli.console.web_folder import WebFolder, mqtt_js_path
from iot_authorizer_cli.examples.proposal import example_of
from iot_authorizer_cli.examples.suggestions import presets, suggestions
from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_authorizer_cli.project.development_issuer import ISSUER, DevelopmentIssuer, principal_of
from iot_authorizer_cli.project.key_ring import KeyPair, signing_pair
from iot_authorizer_cli.project.reloading import ReloadedConfiguration
from iot_core.core import IotCore
from iot_core.feed import Feed, Record
from iot_core.reasons import IotCoreReason
from iot_policies import InvalidFile, PolicyTemplate, Principal
from iot_policies.explaining import explain
from iot_policies.packing import compact
from iot_policies.principal import Claims

_STATIC = Path(__file__).parent / "static"

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
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""The headers of every response."""

_GUARDED = ("/console/{path:path}", "/web", "/web/{path:path}")

_LIVE = "event: live\ndata:\n\n"
"""Separates the recent records from new ones."""
_RECORDS_IN_A_ROW = 16
"""Recent records that are written before other tasks get their turn."""

_Endpoint = Callable[[Request], Awaitable[Mapping[str, object]]]


class _PageFiles(StaticFiles):
    """Serves the page's scripts, styles and icon."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answers with a file, or with 404."""
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


class ConsoleAddresses(NamedTuple):
    """Where clients reach IoT Core on this machine."""

    url: str
    """The plain endpoint, such as `http://127.0.0.1:8080`."""
    tls_url: str
    """The TLS endpoint, such as `https://127.0.0.1:8443`."""
    ca_path: Path | None
    """The certificate of the local CA, in PEM; None if the TLS port has a certificate of the user's own."""


@dataclass(frozen=True)
class Console:
    """What the page shows of IoT Core on this machine, and the endpoints that serve it."""

    core: IotCore
    configuration: ReloadedConfiguration
    issuer: DevelopmentIssuer
    addresses: Callable[[], ConsoleAddresses]
    """Gives the addresses once the ports are open."""
    secret: str
    """What the sender of a request must know."""
    review: TemplateReview
    edits: EditDesk
    web: Path
    """The folder that is served at `/web/`."""

    def routes(self) -> list[BaseRoute]:
        """The page at `/`, and everything below `/console/` and `/web/`. All need the secret."""
        guarded = SecretCheck(Router(self._routes()), self.secret, _HEADERS)
        return [Route("/", guarded, methods=["GET"]), *(Route(path, guarded) for path in _GUARDED)]

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/", _index),
            Route("/console/mqtt.js", _mqtt_js),
            Route("/console/reasons", _answering(_reasons)),
            Route("/console/state", _answering(self._state)),
            Route("/console/changes", _answering(self._changes), methods=["GET"]),
            Route("/console/changes", _answering(self._changes_of_edit), methods=["POST"]),
            Route("/console/proof", _answering(self._proof)),
            Route("/console/clients", _answering(self._clients)),
            Route("/console/stored", _answering(self._stored_messages)),
            Route("/console/feed", self._feed),
            Route("/console/token", _answering(self._token), methods=["POST"]),
            Route("/console/policy", _answering(self._policy), methods=["POST"]),
            Route("/console/explain", _answering(self._explain), methods=["POST"]),
            Mount("/console/static", _PageFiles(directory=_STATIC)),
            Mount("/web", WebFolder(self.web)),
        ]

    async def _state(self, _request: Request) -> Mapping[str, object]:
        """What the page shows once, and again after a reload of the configuration."""
        configuration, addresses = self.configuration, self.addresses()
        template, configured = configuration.template, configuration.configured
        authorizer = self.core.authorizers.get(configuration.name)
        pair = signing_pair(configuration.configured)
        return {
            "authorizer": authorizer and authorizer.name,
            "function": authorizer and authorizer.function_arn,
            "token_key_name": authorizer and authorizer.token_key_name,
            "signing": authorizer is not None and not authorizer.signing_disabled,
            "signing_key": pair and pair.name,
            "endpoint": addresses.url,
            "tls_endpoint": addresses.tls_url,
            "ca_path": addresses.ca_path and str(addresses.ca_path),
            "configuration_path": str(configuration.path),
            "template_path": configuration.policy_path and str(configuration.policy_path),
            "problem": configuration.problem,
            "issuer": ISSUER,
            "anonymous": configured.anonymous and _shown(configured.anonymous),
            "starts_anonymous": _starts_anonymous(configured),
            "presets": [] if template is None else presets(template),
            "mqtt_js": mqtt_js_path() is not None,
        }

    async def _proof(self, _request: Request) -> Mapping[str, object]:
        """Whether the template in force is proved. The page asks after each reload."""
        return dict(await self.review.proof(self._template()[0]))

    async def _changes(self, _request: Request) -> Mapping[str, object]:
        """What the edits of the template came to, or null without an edit. The page asks after each reload."""
        found = await self.review.changes(self.configuration.template)
        return {"changes": None} if found is None else found.shown()

    async def _changes_of_edit(self, request: Request) -> Mapping[str, object]:
        """What an edit on the page would open and close, compared with the template in force."""
        text = (await bodies.read(request, bodies.ChangesRequest)).template
        in_force, path = self._template()
        edited = await self.edits.do(request, partial(read_valid_edit, text, path, in_force.topic_prefix))
        return await self.edits.follow(request, self.review.changes_of_edit(in_force, edited))

    async def _clients(self, _request: Request) -> Mapping[str, object]:
        """The connected clients, for the command line."""
        return await run_in_threadpool(self._shown_clients, ConnectedClient.all_of(self.core.connections))

    def _shown_clients(self, clients: Sequence[ConnectedClient]) -> Mapping[str, object]:
        configured = self.configuration.configured
        return {"clients": [client.shown(configured) for client in clients]}

    async def _stored_messages(self, _request: Request) -> Mapping[str, object]:
        """Retained messages, and the sessions without a connection with their queued messages."""
        return stored_messages(self.core.broker)

    async def _feed(self, _request: Request) -> Response:
        return StreamingResponse(events(self.core.feed), 200, _HEADERS, "text/event-stream")

    async def _token(self, request: Request) -> Mapping[str, object]:
        wanted = await bodies.read(request, bodies.TokenRequest)
        token = self.issuer.token(wanted.principal, wanted.claims, wanted.expires_in)
        pair = signing_pair(self.configuration.configured)
        return {"token": token} if pair is None else {"token": token, "signature": _signature(pair, token)}

    async def _policy(self, request: Request) -> Mapping[str, object]:
        wanted = await bodies.read(request, bodies.PolicyRequest)
        if wanted.template is None:
            return await run_in_threadpool(self._compiled, wanted)
        return await self.edits.do(request, partial(self._compiled_edit, wanted, wanted.template))

    async def _explain(self, request: Request) -> Mapping[str, object]:
        asked = await bodies.read(request, bodies.ExplainRequest)
        if asked.template is None:
            return await run_in_threadpool(self._explained, asked)
        return await self.edits.do(request, partial(self._explained_by_edit, asked, asked.template))

    def _compiled(self, wanted: bodies.PolicyRequest) -> Mapping[str, object]:
        template, path = self._template()
        stored, client_id = self._stored(wanted), wanted.client_id
        principal = self._principal(wanted, stored)
        found = compiled(TemplateText.saved(path, template), principal, client_id, self.core.place)
        return {**found, "suggestions": suggestions(template, principal, client_id), "stored_claims": stored}

    def _compiled_edit(self, wanted: bodies.PolicyRequest, text: str) -> Mapping[str, object]:
        """A client's policy by an edit, and in words what the edit opens and closes for it; None if it is invalid."""
        in_force, path = self._template()
        principal = self._principal(wanted, self._stored(wanted))
        edit = read_edit(text, path, in_force.topic_prefix)
        found = compiled(edit, principal, wanted.client_id, self.core.place)
        effect = edit.template and effect_on(in_force, edit.template, principal, wanted.client_id)
        return {**found, "effect": effect}

    def _explained(self, asked: bodies.ExplainRequest) -> Mapping[str, object]:
        template, path = self._template()
        principal = self._principal(asked, self._stored(asked))
        found = explain(template, principal, asked.action, asked.resource, asked.client_id, place=self.core.place)
        command = question_command(self.configuration, TemplateText.saved(path, template), principal, asked)
        return {"allowed": found.allowed, "reasons": list(found.reasons), "command": command}

    def _explained_by_edit(self, asked: bodies.ExplainRequest, text: str) -> Mapping[str, object]:
        in_force, path = self._template()
        edited = read_valid_edit(text, path, in_force.topic_prefix)
        principal = self._principal(asked, self._stored(asked))
        found = explain(edited, principal, asked.action, asked.resource, asked.client_id, place=self.core.place)
        return {"allowed": found.allowed, "reasons": list(found.reasons), "command": None}

    def _stored(self, asked: bodies.PolicyRequest) -> Claims | None:
        """The claims that are stored for a user that signs in with a password; None if there are none."""
        if asked.means != "password":
            return None
        return self.configuration.configured.stored_claims.of_user(asked.principal)

    def _principal(self, asked: bodies.PolicyRequest, stored: Claims | None) -> Principal:
        """The principal that the authorizer would see."""
        anonymous = self.configuration.configured.anonymous
        if asked.means == "anonymous":
            if anonymous is None:
                problem = "[anonymous] is not configured: the authorizer refuses clients without credentials"
                raise bodies.BodyRefused(409, problem, "means")
            return anonymous
        return principal_of(asked.principal, asked.claims) if stored is None else Principal(asked.principal, stored)

    def _template(self) -> tuple[PolicyTemplate, Path]:
        template, path = self.configuration.template, self.configuration.policy_path
        if template is None or path is None:
            raise bodies.BodyRefused(409, "the grants of this authorizer come from code: there is no template to show")
        return template, path


def _shown(principal: Principal) -> Mapping[str, object]:
    return {"principal": principal.name, "claims": principal.claims}


def _starts_anonymous(configured: ProjectConfiguration) -> bool:
    """Whether clients without credentials are the first to try: there are no others, and the template is for them."""
    template, principal = configured.template, configured.only_anonymous
    return template is not None and principal is not None and example_of(template, principal) is not None


def _signature(pair: KeyPair, token: str) -> str:
    try:
        return pair.sign(token.encode())
    except InvalidFile as error:
        raise bodies.BodyRefused(409, str(error)) from None


async def _index(_request: Request) -> Response:
    """Serves the page."""
    return FileResponse(_STATIC / "index.html", headers=_HEADERS)


async def _mqtt_js(_request: Request) -> Response:
    """Serves MQTT.js as an ES module: from `node_modules` in a checkout, from the package in a wheel."""
    path = mqtt_js_path()
    if path is None:
        return PlainTextResponse("MQTT.js is not installed: run `npm ci`, or `make`\n", 404, headers=_HEADERS)
    return FileResponse(path, headers=_HEADERS, media_type="text/javascript")


def _answering(endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Answers with an endpoint's JSON, or with `{"message", "field"}` if it refuses the request."""

    async def answer(request: Request) -> Response:
        try:
            return _json(await endpoint(request))
        except bodies.BodyRefused as refused:
            return _json({"message": refused.message, "field": refused.field}, refused.status)
        except ClientDisconnect:
            return Response(status_code=400)  # The client is gone and does not read it.

    return answer


def _json(content: Mapping[str, object], status: int = 200) -> Response:
    """A JSON answer in ASCII, since a client ID may hold characters that UTF-8 cannot encode."""
    return Response(compact(content), status, {**_HEADERS, "Cache-Control": "no-store"}, "application/json")


async def _reasons(_request: Request) -> Mapping[str, object]:
    """The cause and the cure of each reason code, the Lambda's and IoT Core's, as Markdown."""
    return {reason.value: [reason.cause, reason.cure] for reason in (*Reason, *IotCoreReason)}


async def events(feed: Feed) -> AsyncIterator[str]:
    """The feed as server-sent events: the recent records, `live`, and then each new record."""
    async with aclosing(feed.follow()) as following:
        for number, record in enumerate(feed.recent(), start=1):
            yield _event(record)
            if number % _RECORDS_IN_A_ROW == 0:
                await asyncio.sleep(0)
        yield _LIVE
        async for record in following:
            yield _event(record)


def _event(record: Record) -> str:
    return f"data: {compact(record)}\n\n"
