"""`iot-authorizer connect`: a ready-to-run program for a real client."""

from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli.arguments import json_object, principal_name, topic_filter, topic_name
from iot_authorizer_cli.commands.connect.principal import (
    Connecting,
    likely,
    problems,
    proposal,
    with_development_token,
    with_password,
    with_token,
)
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer, table_path
from iot_authorizer_cli.snippets import (
    CLIENTS,
    WITH_TLS,
    Client,
    ClientEndpoint,
    ClientSettings,
    Transport,
    default_endpoint,
    snippet,
)
from iot_core.edge.tls import ca_path
from iot_core.functions.lambda_function import ACCOUNT, REGION
from iot_policies.toml_file import read_file

_CONFIGURATION = Path("authorizer.toml")
_FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:authorizer"
_JUST_MADE = (
    "the key in {data} was made just now: no `iot-authorizer dev` that is running trusts it; "
    "run this where dev runs, or give --config and --data"
)
_LIFETIME = 3600
"""Of a development token, in seconds."""


def _default(*, tls: bool) -> str:
    return next(each.url("http", "") for each in map(default_endpoint, CLIENTS) if each.tls == tls)


def connect(
    client: Annotated[Client, typer.Option("--for", metavar="CLIENT", help=", ".join(CLIENTS))],
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help=f"AWS's endpoint, or a URL. Unless given, dev's here: {_default(tls=False)}, "
            f"or {_default(tls=True)} for {', '.join(WITH_TLS)}.",
        ),
    ] = None,
    token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Unless given, one of this machine's.")] = None,
    signature: Annotated[str | None, typer.Option(metavar="BASE64", help="The token's signature.")] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of a token: an MQTT user name.")] = None,
    password: Annotated[str | None, typer.Option(metavar="TEXT", help="And the MQTT password.")] = None,
    principal: Annotated[
        str | None,
        typer.Option(metavar="ID", callback=principal_name, help="Who it is; the token or the user name says so."),
    ] = None,
    claims: Annotated[str | None, typer.Option(metavar="JSON", help="Of a token of this machine's.")] = None,
    client_id: Annotated[str | None, typer.Option(metavar="ID", help="The MQTT client ID.")] = None,
    topic: Annotated[str | None, typer.Option(metavar="TOPIC", help="What it publishes to.")] = None,
    subscribe: Annotated[str | None, typer.Option(metavar="FILTER", help="What it subscribes to.")] = None,
    transport: Annotated[
        Transport | None, typer.Option(metavar="ws|mqtt", help="MQTT over WebSocket, or MQTT itself.")
    ] = None,
    authorizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="The configuration's; '' for the account's default.")
    ] = None,
    token_key_name: Annotated[str | None, typer.Option(metavar="KEY", help="The configuration's unless given.")] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="A CA to trust; here, this machine's.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The configuration: authorizer.toml, if it is there.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where keys are kept.")] = DATA,
) -> None:
    """Print a program that connects with a real client, subscribes, publishes, and prints what arrives.

    Everything in it is quoted and URL-encoded as it must be. Without --endpoint it connects to `iot-authorizer dev`
    on this machine, with a token that is good for an hour there. Who it is, its claims, its client ID and its topics
    are what the configuration's policy template grants, unless they are given.
    """
    configured = _configured(config, data)
    where = _endpoint(endpoint, client)
    _check(token, signature, user, password, where)
    if user is not None:
        connecting = with_password(configured, principal, user)
    elif token is not None:
        connecting = with_token(configured, principal, token)
    else:
        connecting, token = _with_new_token(configured, principal, claims, data)
    wanted = proposal(
        configured,
        connecting.principal,
        client,
        client_id=client_id,
        topic=None if topic is None else topic_name(topic, "--topic"),
        topic_filter=None if subscribe is None else topic_filter(subscribe, "--subscribe"),
    )
    try:
        settings = ClientSettings(
            endpoint=where,
            ca=ca or (ca_path(data).absolute() if where.tls and where.local else None),
            authorizer=(_authorizer(configured, where) if authorizer is None else authorizer) or None,
            token_key_name=token_key_name or configured.description.token_key_name,
            token=token,
            signature=signature,
            user_name=user,
            password=password,
            client_ids=wanted.client_ids,
            topic=wanted.topic,
            topic_filter=wanted.topic_filter,
            hears_itself=wanted.hears_itself,
        )
        text = snippet(client, settings, transport)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(text, nl=False)
    for problem in problems(configured, connecting, client, wanted):
        typer.echo(f"iot-authorizer: {problem}", err=True)


def _configured(path: Path | None, data: Path) -> ProjectConfiguration:
    if path is not None:
        read_file(path)
    return read_project_configuration(path or _CONFIGURATION, _FUNCTION_ARN, table_path(data))


def _with_new_token(
    configured: ProjectConfiguration, principal: str | None, claims: str | None, data: Path
) -> tuple[Connecting, str]:
    """A token of this machine's, and whom it proves: somebody whom the template knows, unless told otherwise."""
    somebody = likely(configured.template)
    found = somebody.claims if claims is None else json_object(claims, "--claims")
    name = principal or somebody.name
    issuer = DevelopmentIssuer(data)
    if issuer.made and not configured.path.exists():
        typer.echo(f"iot-authorizer: there is no {configured.path} here, and {_JUST_MADE.format(data=data)}", err=True)
    return with_development_token(name, found), issuer.token(name, found, _LIFETIME)


def _authorizer(configured: ProjectConfiguration, where: ClientEndpoint) -> str | None:
    """The authorizer's name; at AWS, what no file names is the default one's."""
    return configured.description.name if where.local or configured.path.exists() else None


def _endpoint(text: str | None, client: Client) -> ClientEndpoint:
    if text is None:
        return default_endpoint(client)
    try:
        return ClientEndpoint.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint") from None


def _check(
    token: str | None, signature: str | None, user: str | None, password: str | None, where: ClientEndpoint
) -> None:
    """Raises a usage error for credentials that don't go together."""
    if (user is None) != (password is None):
        raise typer.BadParameter("they belong together", param_hint="--user, --password")
    if token is not None and user is not None:
        raise typer.BadParameter("either a token, or a user name and a password", param_hint="--token, --user")
    if signature is not None and token is None:
        raise typer.BadParameter("goes with the --token that it signs", param_hint="--signature")
    if token is None and user is None and not where.local:
        raise typer.BadParameter(f"tokens of this machine count for nothing at {where.host}", param_hint="--token")
