"""`iot-authorizer invoke`: the Lambda handler, run on one event."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from pydantic import ValidationError

from iot_authorizer.configured_texts import CONFIG_VARIABLE
from iot_authorizer_cli.options import CONFIG, Config, DataFolder, Handler, TableName, json_model, require_config
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer, table_path
from iot_authorizer_cli.project.explanations import decision_reasons
from iot_authorizer_cli.project.handler import choose_handler
from iot_authorizer_cli.terminal import tell, warn
from iot_core.authorizers.event import ConnectionRequest, HttpContext, MqttContext, TlsContext, build_event
from iot_core.authorizers.invocation import Asked, AuthorizerCall, NotAuthenticated, Refused, accepted, verify_signature
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, LambdaFunction
from iot_core.reasons import IotCoreReason


def invoke(
    config: Config = CONFIG,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Send this token under the token key name.")
    ] = None,
    token_signature: Annotated[
        str | None, typer.Option(metavar="BASE64", help="Send this signature of the token.")
    ] = None,
    http_context: Annotated[
        str | None, typer.Option(metavar="JSON", help="Send this HTTP request: headers, queryString.")
    ] = None,
    mqtt_context: Annotated[
        str | None, typer.Option(metavar="JSON", help="Send this CONNECT: username, password, clientId.")
    ] = None,
    tls_context: Annotated[
        str | None, typer.Option(metavar="JSON", help="Send this TLS handshake: serverName.")
    ] = None,
    handler: Handler = None,
    data: DataFolder = DATA,
    table: TableName = None,
) -> None:
    """Run the Lambda handler on an event of IoT Core.

    Builds the event as IoT Core does, and prints the handler's answer. The options are those of `aws iot
    test-invoke-authorizer`; the MQTT password is in base64. Prints the decision and its reason code on standard error.
    Exits with 0 if IoT Core accepts the answer and the client is allowed, with 1 if not. Waits until the handler
    answers: stop in it by `breakpoint()`, or press Ctrl-C to end it.
    """
    request = _request(token, token_signature, http_context, mqtt_context, tls_context)
    chosen = choose_handler(config, handler)
    if not chosen.is_own:
        require_config(config)
    environment = {CONFIG_VARIABLE: str(config), **DevelopmentIssuer(data).environment(table)}
    function = LambdaFunction(chosen.name, folder=chosen.folder, environment=environment)
    configured = read_project_configuration(config, function.arn, table_path(data) if table is None else None)
    authorizer = configured.description
    if token_signature is not None and authorizer.signing_disabled:
        warn("the configuration has no [signing], so the signature is ignored")
    try:
        _invoke(function, authorizer, request)
    except Refused as refused:
        if not isinstance(refused, NotAuthenticated):
            warn(f"IoT Core refuses this client: {refused}")
        for reason in _reasons(configured, request, refused):
            tell(f"  {reason}")
        raise typer.Exit(1) from None


def _request(
    token: str | None, token_signature: str | None, http: str | None, mqtt: str | None, tls: str | None
) -> ConnectionRequest:
    """The request that the options describe."""
    try:
        return ConnectionRequest(
            token=token,
            tokenSignature=token_signature,
            httpContext=json_model(http, "--http-context", HttpContext),
            mqttContext=json_model(mqtt, "--mqtt-context", MqttContext),
            tlsContext=json_model(tls, "--tls-context", TlsContext),
        )
    except ValidationError as error:
        first = error.errors()[0]
        option = "--token" if first["loc"][0] == "token" else "--token-signature"
        problem = "expected standard base64"
        if first["type"] == "string_too_long":
            most = first["ctx"]["max_length"]
            problem = f"has {len(first['input']):,} characters, but IoT Core takes at most {most:,}"
        raise typer.BadParameter(problem, param_hint=option) from None


def _reasons(configured: ProjectConfiguration, request: ConnectionRequest, refused: Refused) -> Sequence[str]:
    """What the template or the token has to do with a refusal."""
    client_id = (request.mqtt_context and request.mqtt_context.client_id) or None
    asked = Asked("connect", client_id or "", client_id)
    return () if refused.call is None else decision_reasons(configured, refused.call, asked, refused.reason)


def _invoke(function: LambdaFunction, authorizer: AuthorizerDescription, request: ConnectionRequest) -> None:
    """Invokes the function as IoT Core does, and prints its answer and its decision. Raises Refused."""
    signature = verify_signature(request, authorizer)
    if signature.warning is not None:
        warn(signature.warning)
    event = build_event(request, token_key_name=authorizer.token_key_name, signature_verified=signature.verified)
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _debug
    started = time.monotonic()
    try:
        invocation = function.invoke(event)
    except BrokenHandler as error:
        raise Refused(IotCoreReason.FUNCTION_ERROR, str(error)) from None
    typer.echo(json.dumps(invocation.answer, indent=2))
    tell(_describe(invocation.decision))
    if (seconds := time.monotonic() - started) > TIMEOUT:
        detail = f"the function answered after {seconds:.1f} seconds: IoT Core waits {TIMEOUT:.0f} seconds"
        raise Refused(IotCoreReason.FUNCTION_TIMEOUT, detail)
    accepted(invocation.answer, AuthorizerCall(authorizer.name, event, invocation.decision))


def _debug(*_: object, **__: object) -> None:
    """Opens pdb for `breakpoint()` in a handler, on standard error: what a handler prints is captured."""
    from pdb import Pdb  # noqa: PLC0415 (few invocations need it)

    Pdb(stdout=sys.stderr).set_trace(sys._getframe(1))


def _describe(decision: Mapping[str, object]) -> str:
    """Formats a decision's log line."""
    if not decision:
        return "the handler logged no decision"
    names = ("reason", "detail", "principal", "client_id", "issuer", "source", "duration_ms")
    fields = " ".join(f"{name}={decision[name]}" for name in names if decision.get(name) is not None)
    return f"{decision['decision']}: {fields}"
