"""The console's HTTP endpoints: the page, what it asks for, and the feed."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from iot_authorizer_cli.console import bodies, live, page
from iot_authorizer_cli.console.core import Core
from iot_authorizer_cli.console.policy import compiled
from iot_authorizer_cli.console.template_file import TemplateFile
from iot_authorizer_cli.examples.presets import presets
from iot_authorizer_cli.examples.suggestions import suggestions
from iot_authorizer_cli.project.development_issuer import ISSUER, principal_of
from iot_policies import PolicyTemplate
from iot_policies.explaining import explain
from iot_policies.packing import compact

_Endpoint = Callable[[Request], Awaitable[Mapping[str, object]]]


def routes(core: Core) -> list[BaseRoute]:
    """The page at `/`, and all below `/console/`."""
    console = _Console(core)
    return [
        Route("/", page.index),
        Route("/console/mqtt.js", page.mqtt_js),
        Route("/console/state", _answering(console.state)),
        Route("/console/feed", console.feed),
        Route("/console/token", _answering(console.token), methods=["POST"]),
        Route("/console/policy", _answering(console.policy), methods=["POST"]),
        Route("/console/explain", _answering(console.explain), methods=["POST"]),
        Mount("/console/static", page.Files(directory=page.STATIC)),
    ]


def _answering(endpoint: _Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """Answers with JSON; with `{"message", "field"}` where the request is refused."""

    async def answer(request: Request) -> Response:
        try:
            return _json(await endpoint(request))
        except bodies.Refusal as refusal:
            return _json({"message": refusal.message, "field": refusal.field}, refusal.status)
        except RecursionError:
            return _json({"message": "nested too deeply", "field": "claims"}, 400)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody is there to read it.

    return answer


def _json(content: Mapping[str, object], status: int = 200) -> Response:
    """JSON in ASCII: what a client is called may be no text that UTF-8 can hold."""
    return Response(compact(content), status, {**page.HEADERS, "Cache-Control": "no-store"}, "application/json")


class _Console:
    """The endpoints, over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def state(self, _request: Request) -> Mapping[str, object]:
        """What the page shows once, and again after a reload of the configuration."""
        core = self._core
        template = core.configuration.template
        authorizer = core.authorizers.get(core.configuration.name)
        return {
            "authorizer": authorizer and authorizer.name,
            "function": authorizer and authorizer.function_arn,
            "token_key_name": authorizer and authorizer.token_key_name,
            "signing": authorizer is not None and not authorizer.signing_disabled,
            "endpoint": core.url,
            "tls_endpoint": core.tls_url,
            "ca_path": str(core.ca_path),
            "configuration_path": str(core.configuration.path),
            "template_path": core.configuration.policy_path and str(core.configuration.policy_path),
            "problem": core.configuration.problem,
            "issuer": ISSUER,
            "presets": [] if template is None else presets(template),
            "mqtt_js": page.mqtt_js_path() is not None,
        }

    async def feed(self, _request: Request) -> Response:
        """Server-sent events: the recent records, then each new one."""
        return StreamingResponse(live.events(self._core.feed), 200, page.HEADERS, "text/event-stream")

    async def token(self, request: Request) -> Mapping[str, object]:
        """Mints a token of the development issuer."""
        wanted = await bodies.read(request, bodies.TokenWanted)
        return {"token": self._core.issuer.token(wanted.principal, wanted.claims, wanted.expires_in)}

    async def policy(self, request: Request) -> Mapping[str, object]:
        """Compiles a principal's policy, beside its template."""
        return await run_in_threadpool(self._policy, await bodies.read(request, bodies.PolicyWanted))

    async def explain(self, request: Request) -> Mapping[str, object]:
        """Says whether a principal may do something, and by which entry."""
        return await run_in_threadpool(self._explain, await bodies.read(request, bodies.Asked))

    def _policy(self, wanted: bodies.PolicyWanted) -> Mapping[str, object]:
        core, template = self._core, self._template()
        principal = principal_of(wanted.principal, wanted.claims)
        file = TemplateFile.read(core.configuration.policy_path or Path(), template)
        found = compiled(template, principal, wanted.client_id, file=file, region=core.region, account=core.account)
        prefix = f"arn:aws:iot:{core.region}:{core.account}:"
        return {**found, "suggestions": suggestions(template, principal, wanted.client_id, found["documents"], prefix)}

    def _explain(self, asked: bodies.Asked) -> Mapping[str, object]:
        principal = principal_of(asked.principal, asked.claims)
        found = explain(self._template(), principal, asked.action, asked.resource, asked.client_id)
        return {"allowed": found.allowed, "reasons": list(found.reasons)}

    def _template(self) -> PolicyTemplate:
        template = self._core.configuration.template
        if template is None:
            raise bodies.Refusal(409, "what clients may do comes from code here: there is no template to show")
        return template
