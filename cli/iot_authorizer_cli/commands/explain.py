"""`iot-authorizer explain`: why a template allows or denies an action."""

from typing import Annotated, Literal

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import warn
from iot_policies import Principal
from iot_policies.account_region import EXAMPLE_PLACE, account_region
from iot_policies.errors import printable
from iot_policies.explaining import explain as explain_template


def explain(
    policy: options.PolicyFile,
    action: Annotated[
        Literal["connect", "publish", "retain", "subscribe", "receive"],
        typer.Argument(metavar="ACTION", show_choices=False, help="connect, publish, retain, subscribe or receive."),
    ],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="A client ID, a topic or a topic filter.")],
    principal: options.PrincipalName,
    claims: options.Claims = "{}",
    client_id: options.ClientId = None,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
) -> None:
    """Explain whether a template allows an action.

    Prints the entry that allows or denies it, or what is missing. Exits with 0 for allowed, with 1 for denied.
    """
    if action in ("publish", "retain", "receive"):
        options.topic_name(resource, "RESOURCE")
    if action == "subscribe":
        options.topic_filter(resource, "RESOURCE")
    asked = Principal(principal, options.json_object(claims, "--claims"))
    place = account_region(region, EXAMPLE_PLACE.account)
    template = options.load_template(policy, topic_prefix)
    found = explain_template(template, asked, action, resource, client_id, place=place)
    typer.echo(printable(f"{'allowed' if found.allowed else 'denied'}: {action} {resource}"))
    for reason in found.reasons:
        typer.echo(printable(f"  {reason}"))
    if client_id is not None and action != "connect":
        connect = explain_template(template, asked, "connect", client_id, place=place)
        if not connect.allowed:
            warn(f"the authorizer refuses the client ID {client_id}: {'; '.join(connect.reasons)}")
    raise typer.Exit(0 if found.allowed else 1)
