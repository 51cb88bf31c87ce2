"""`iot-authorizer invoke`: the Lambda handler, run on one event."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import ValidationError

from iot_authorizer_cli.options import CONFIG, Config, DataFolder, Handler, TableName, json_model, require_config
from iot_authorizer_cli.project.configuration import HANDLER, load_function, read_project_configuration
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer
from iot_core.authorizers.event import ConnectionRequest, HttpContext, MqttContext, TlsContext, build_event
from iot_core.authorizers.invocation import verify_signature
from iot_policies.errors import printable


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
    handler: Handler = HANDLER,
    data: DataFolder = DATA,
    table: TableName = None,
) -> None:
    """Run the Lambda handler on an event of IoT Core.

    Builds the event as IoT Core does, and prints the handler's answer. The options are those of `aws iot
    test-invoke-authorizer`; the MQTT password is in base64. Prints the decision and its reason code on standard error.
    Exits with 0 if the client is allowed, with 1 if it is refused.
    """
    try:
        request = ConnectionRequest(
            token=token,
            tokenSignature=token_signature,
            httpContext=json_model(http_context, "--http-context", HttpContext),
            mqttContext=json_model(mqtt_context, "--mqtt-context", MqttContext),
            tlsContext=json_model(tls_context, "--tls-context", TlsContext),
        )
    except ValidationError as error:
        option = str(error.errors()[0]["loc"][0]).replace("tokenSignature", "--token-signature")
        raise typer.BadParameter("expected standard base64", param_hint=option) from None
    if handler == HANDLER:
        require_config(config)
    function = load_function(config, handler, environment=DevelopmentIssuer(data).environment(table))
    authorizer = read_project_configuration(config, function.arn).description
    if token_signature is not None and authorizer.signing_disabled:
        typer.echo("iot-authorizer: the configuration has no [signing], so the signature is ignored", err=True)
    signature = verify_signature(request, authorizer)
    if signature.warning is not None:
        typer.echo(f"iot-authorizer: {signature.warning}", err=True)
    event = build_event(request, token_key_name=authorizer.token_key_name, signature_verified=signature.verified)
    invocation = function.invoke(event)
    typer.echo(json.dumps(invocation.answer, indent=2))
    typer.echo(_describe(invocation.decision), err=True)
    raise typer.Exit(0 if invocation.answer.get("isAuthenticated") is True else 1)


def _describe(decision: Mapping[str, object]) -> str:
    """Formats a decision's log line."""
    if not decision:
        return "the handler logged no decision"
    names = ("reason", "detail", "principal", "client_id", "issuer", "source", "duration_ms")
    fields = " ".join(f"{name}={decision[name]}" for name in names if decision.get(name) is not None)
    return printable(f"{decision['decision']}: {fields}")
