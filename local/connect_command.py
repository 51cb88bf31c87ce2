"""`iot-authorizer connect`: a ready-to-run program for a real client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import jwt
import typer

from local.arguments import json_object
from local.development import DATA, DevelopmentIssuer
from local.gateway.certificates import ca_path
from local.gateway.configuration_file import ConfigurationFile, read_configuration_file
from local.snippets import CLIENTS, Client, ClientSettings, Endpoint, Transport, client_ids, default_endpoint, snippet
from policies import PolicyTemplate, Principal
from policies.explaining import Question, explain
from policies.toml_file import read_file

_CONFIGURATION = Path("authorizer.toml")
CLAIMS = '{"rooms": ["lobby"]}'
"""Of a token that it makes, unless told otherwise: they fit the template of a chat."""
_LIFETIME = 3600
"""Of a development token, in seconds."""


def register(app: typer.Typer) -> None:
    """Adds the command to a command line."""
    app.command(
        "connect",
        short_help="Print a ready-to-run program for a real client.",
        epilog="\b\nExample: iot-authorizer connect --for paho > client.py && python client.py",
    )(connect)


def connect(
    client: Annotated[Client, typer.Option("--for", metavar="CLIENT", help=", ".join(CLIENTS))],
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="An endpoint of AWS's, or a URL as http://127.0.0.1:8080, which is local."),
    ] = None,
    token: Annotated[str | None, typer.Option(metavar="TOKEN", help="Unless given, one of this machine's.")] = None,
    signature: Annotated[str | None, typer.Option(metavar="BASE64", help="The token's signature.")] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of a token: an MQTT user name.")] = None,
    password: Annotated[str | None, typer.Option(metavar="TEXT", help="And the MQTT password.")] = None,
    principal: Annotated[
        str | None, typer.Option(metavar="ID", help="Who it is: the token's `sub`, the user name, or ann.")
    ] = None,
    claims: Annotated[str, typer.Option(metavar="JSON", help="The claims of a token of this machine's.")] = CLAIMS,
    client_id: Annotated[str | None, typer.Option(metavar="ID", help="The principal's name unless given.")] = None,
    topic: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Where it publishes: rooms/lobby/say/PRINCIPAL.")
    ] = None,
    subscribe: Annotated[
        str | None, typer.Option(metavar="FILTER", help="What it subscribes to: the topic unless given.")
    ] = None,
    transport: Annotated[
        Transport | None, typer.Option(metavar="ws|mqtt", help="MQTT over WebSocket, or MQTT itself.")
    ] = None,
    authorizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="The configuration's unless given; '' for the default one.")
    ] = None,
    token_key_name: Annotated[str | None, typer.Option(metavar="KEY", help="The configuration's unless given.")] = None,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A CA's certificate; the local one for this machine.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The configuration: authorizer.toml, where there is one.")
    ] = None,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where development keys are kept.")] = DATA,
) -> None:
    """Print a program that connects with a real client, subscribes, publishes, and prints what arrives.

    Everything in it is quoted and URL-encoded as it must be. Without --endpoint it connects to `iot-authorizer dev`
    on this machine, with a token that is good for an hour there.
    """
    configuration = config or _CONFIGURATION
    if config is not None:
        read_file(config)
    configured, _ = read_configuration_file(configuration)
    where = _endpoint(endpoint, client)
    who = principal or user or _subject(token) or "ann"
    minted = None
    if _needs_token(token, signature, user, password, where):
        minted = Principal(who, json_object(claims, "--claims"))
        token = DevelopmentIssuer(data).token(who, minted.claims, _LIFETIME)
    try:
        settings = ClientSettings(
            endpoint=where,
            ca=ca or (ca_path(data).absolute() if where.tls and where.local else None),
            authorizer=(_authorizer(configured, configuration, where) if authorizer is None else authorizer) or None,
            token_key_name=token_key_name or configured.token_key_name or "access_token",
            token=token,
            signature=signature,
            user_name=user,
            password=password,
            client_id=client_id or who,
            topic=topic or f"rooms/lobby/say/{who}",
            topic_filter=subscribe or topic or f"rooms/lobby/say/{who}",
        )
        text = snippet(client, settings, transport)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(text, nl=False)
    if minted is not None and configured.policy is not None:
        for problem in _problems(configuration.parent / configured.policy, minted, client, settings):
            typer.echo(f"iot-authorizer: {problem}", err=True)


def _authorizer(configured: ConfigurationFile, path: Path, where: Endpoint) -> str | None:
    """The authorizer's name; at AWS, what no file names is the default one's."""
    return configured.name if where.local or path.exists() else None


def _endpoint(text: str | None, client: Client) -> Endpoint:
    if text is None:
        return default_endpoint(client)
    try:
        return Endpoint.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--endpoint") from None


def _subject(token: str | None) -> str | None:
    """The principal's name in a token that the user trusts; None where it is no JWT or has none."""
    try:
        subject = jwt.decode(token or "", options={"verify_signature": False}).get("sub")
    except jwt.InvalidTokenError:
        return None
    return subject if isinstance(subject, str) else None


def _needs_token(
    token: str | None, signature: str | None, user: str | None, password: str | None, where: Endpoint
) -> bool:
    """Whether a development token must be made. Raises a usage error for credentials that don't go together."""
    if (user is None) != (password is None):
        raise typer.BadParameter("they belong together", param_hint="--user, --password")
    if token is not None and user is not None:
        raise typer.BadParameter("either a token, or a user name and a password", param_hint="--token, --user")
    if signature is not None and token is None:
        raise typer.BadParameter("goes with the --token that it signs", param_hint="--signature")
    if token is None and user is None and not where.local:
        raise typer.BadParameter(f"tokens of this machine count for nothing at {where.host}", param_hint="--token")
    return token is None and user is None


def _problems(policy: Path, principal: Principal, client: Client, settings: ClientSettings) -> Iterator[str]:
    """What the template forbids of that which the program does."""
    template = PolicyTemplate.load(policy)
    ids = client_ids(client, settings)
    questions: list[tuple[Question, str]] = [*(("connect", client_id) for client_id in ids)]
    questions.append(("publish", settings.topic))
    if ids:
        questions.append(("subscribe", settings.topic_filter))
    for question, resource in questions:
        found = explain(template, principal, question, resource, settings.client_id)
        if not found.allowed:
            yield f"{policy} denies {principal.name} to {question} {resource}: {found.reasons[0]}"
