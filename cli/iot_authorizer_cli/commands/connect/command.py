"""`iot-authorizer connect`: a ready-to-run program for a real client."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cdk.app.stages import deployed_names
from iot_authorizer_cdk.properties import name_in_iot_core
from iot_authorizer_cli.commands.connect.principal import (
    Connecting,
    likely,
    problems,
    proposal,
    with_development_token,
    with_password,
    with_token,
    without_credentials,
)
from iot_authorizer_cli.options import (
    CONFIG,
    ClientId,
    DataFolder,
    check_resource,
    json_object,
    principal_name,
    usage_errors,
)
from iot_authorizer_cli.project.configuration import ProjectConfiguration, read_project_configuration
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer, ignored_claims, table_path
from iot_authorizer_cli.project.key_ring import signing_pair
from iot_authorizer_cli.snippets.browser import BrowserPage
from iot_authorizer_cli.snippets.programs import CLIENTS, WITH_TLS, Client, Transport, default_endpoint, snippet
from iot_authorizer_cli.snippets.settings import ClientEndpoint, ClientSettings
from iot_authorizer_cli.terminal import warn
from iot_core.edge.certificate_authority import ca_path
from iot_core.edge.host_check import is_named
from iot_core.edge.own_certificate import copied_names, copy_path
from iot_core.functions.lambda_function import function_arn
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.principal import Claims
from iot_policies.toml_file import read_file

_JUST_MADE = (
    "the key in {data} was just created, and no running `iot-authorizer dev` trusts it: "
    "run this in the folder of dev, or give --config and --data"
)
_SIGNATURE = "Send this signature of the token; default with [signing]: made with the private key on this machine."
_LIFETIME = 3600
"""Seconds that a development token is valid."""


def _default(*, tls: bool) -> str:
    return next(each.url("http", "") for each in map(default_endpoint, CLIENTS) if each.tls == tls)


def connect(
    client: Annotated[Client, typer.Option("--for", metavar="CLIENT", help=f"Choose one of {', '.join(CLIENTS)}.")],
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help=f"Connect to this endpoint of AWS or URL; default: {_default(tls=False)}, "
            f"or {_default(tls=True)} for {', '.join(WITH_TLS)}.",
        ),
    ] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Use this token; default: a development token.")
    ] = None,
    signature: Annotated[str | None, typer.Option(metavar="BASE64", help=_SIGNATURE)] = None,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Use this MQTT user name, not a token.")] = None,
    password: Annotated[str | None, typer.Option(metavar="TEXT", help="Use this MQTT password.")] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Send no credentials: be the principal of [anonymous].")
    ] = False,
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="ID", callback=principal_name, help="Set the principal's name; default: the token's or user's."
        ),
    ] = None,
    claims: Annotated[
        str | None, typer.Option(metavar="JSON", help="Put these claims into the development token.")
    ] = None,
    client_id: ClientId = None,
    topic: Annotated[str | None, typer.Option(metavar="TOPIC", help="Publish to this topic.")] = None,
    subscribe: Annotated[str | None, typer.Option(metavar="FILTER", help="Subscribe to this topic filter.")] = None,
    transport: Annotated[Transport | None, typer.Option(metavar="ws|mqtt", help="Use WebSocket or plain MQTT.")] = None,
    authorizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use this authorizer; '' for the account's default one.")
    ] = None,
    token_key_name: Annotated[str | None, typer.Option(metavar="KEY", help="Use this token key name.")] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Trust this CA; default: this machine's.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read this configuration; default: authorizer.toml.")
    ] = None,
    data: DataFolder = DATA,
) -> None:
    """Print a program for a real client, or a page for a browser.

    A page (--for browser) stays connected, and holds no secret: it gets a new token for each connection. Save it as
    web/index.html beside authorizer.toml, and `iot-authorizer dev` serves it at /web/. With --user, it asks for a
    password.

    A program connects, subscribes, publishes, and prints what arrives. Everything in it is quoted and URL-encoded.
    Without --endpoint, it connects to `iot-authorizer dev` on this machine. Without --token, it has a token of the
    development issuer, which is valid for an hour, unless --anonymous or --user says otherwise. The default principal,
    claims, client ID and topics are an example that the policy template allows.
    """
    configured = _configured(config, data)
    where = _endpoint(endpoint, client, data)
    if client == "browser":
        _check_page(token=token, signature=signature, password=password, transport=transport, ca=ca)
    else:
        _check(token, signature, user, password, where, anonymous=anonymous)
    minted: Claims = {}
    if anonymous:
        _check_anonymous(token=token, user=user, principal=principal, claims=claims)
        with usage_errors("--anonymous"):
            connecting = without_credentials(configured)
    elif user is not None:
        connecting = with_password(configured, principal, user)
    elif token is not None:
        connecting = with_token(configured, principal, token)
    else:
        connecting, minted = _with_development_token(configured, principal, claims)
        if client != "browser":
            token = _new_token(configured, connecting.principal.name, minted, data)
    wanted = proposal(
        configured,
        connecting.principal,
        client,
        client_id=client_id,
        topic=_checked("publish", topic, "--topic"),
        topic_filter=_checked("subscribe", subscribe, "--subscribe"),
    )
    named = (_authorizer(configured, where) if authorizer is None else authorizer) or None
    key_name = token_key_name or configured.description.token_key_name
    signing = not configured.description.signing_disabled
    if client == "browser":
        with usage_errors():
            text = BrowserPage(
                endpoint=where,
                means="anonymous" if anonymous else "token" if user is None else "password",
                principal=connecting.principal.name,
                claims=minted,
                principal_claim=_principal_claim(configured, where),
                authorizer=named,
                token_key_name=key_name,
                signing=signing,
                client_id=wanted.client_ids[0],
                topic=wanted.topic,
                topic_filter=wanted.topic_filter,
            ).text()
    else:
        if signing and signature is None:
            signature = _signature(configured, token)
        with usage_errors():
            settings = ClientSettings(
                endpoint=where,
                ca=ca or _local_ca(where, data),
                authorizer=named,
                token_key_name=key_name,
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
    typer.echo(text, nl=False)
    for problem in problems(configured, connecting, client, wanted):
        warn(problem)


def _local_ca(where: ClientEndpoint, data: Path) -> Path | None:
    """The CA of this machine for its TLS port; None if `dev` serves a certificate of the user's own there."""
    return ca_path(data).absolute() if where.tls and not where.at_aws and not copy_path(data).exists() else None


def _checked(action: str, text: str | None, option: str) -> str | None:
    """Checks a topic or a topic filter that is given."""
    if text is not None:
        with usage_errors(option):
            check_resource(action, text)
    return text


def _configured(path: Path | None, data: Path) -> ProjectConfiguration:
    if path is not None:
        read_file(path)
    return read_project_configuration(path or CONFIG, function_arn(EXAMPLE_PLACE), table_path(data))


def _with_development_token(
    configured: ProjectConfiguration, principal: str | None, claims: str | None
) -> tuple[Connecting, Claims]:
    """The principal of a development token, and its claims; by default, one that the template grants something."""
    shown = likely(configured.template)
    found = shown.claims if claims is None else json_object(claims, "--claims")
    for problem in ignored_claims(found):
        warn(problem)
    return with_development_token(principal or shown.name, found), found


def _new_token(configured: ProjectConfiguration, name: str, claims: Claims, data: Path) -> str:
    issuer = DevelopmentIssuer(data)
    if issuer.made and not configured.path.exists():
        warn(f"{configured.path} does not exist here; {_JUST_MADE.format(data=data)}")
    return issuer.token(name, claims, _LIFETIME)


def _signature(configured: ProjectConfiguration, token: str | None) -> str | None:
    """Signs a token as IoT Core demands it; None, with a warning, without a token or a private key."""
    if token is None:
        warn("signing is enabled: IoT Core refuses clients without a signed token, such as this one")
        return None
    pair = signing_pair(configured)
    if pair is None:
        warn("signing is enabled, but no private key is in keys/private: IoT Core refuses a client without --signature")
        return None
    return pair.sign(token.encode())


def _authorizer(configured: ProjectConfiguration, where: ClientEndpoint) -> str | None:
    """The authorizer's name. At AWS without a configuration, it is the account's default one."""
    if where.at_aws:
        return _deployed_name(configured) if configured.path.exists() else None
    return configured.description.name


def _deployed_name(configured: ProjectConfiguration) -> str:
    """The name that a deployment gives the authorizer, with a warning if there are several."""
    name, signing = configured.description.name, not configured.description.signing_disabled
    by_stage = deployed_names(name, signing=signing, file=configured.path.with_name("cdk.json"))
    if not by_stage:
        return name_in_iot_core(name, signing=signing)
    stage, chosen = next(iter(by_stage.items()))
    if others := [f"{other} (stage {each})" for each, other in by_stage.items() if each != stage]:
        warn(f"the program uses the authorizer {chosen} of stage {stage}; --authorizer can name {', '.join(others)}")
    return chosen


def _endpoint(text: str | None, client: Client, data: Path) -> ClientEndpoint:
    if text is None:
        return default_endpoint(client)
    with usage_errors("--endpoint"):
        found = ClientEndpoint.parse(text)
    return replace(found, own=is_named(found.host, copied_names(data)))


def _check(
    token: str | None,
    signature: str | None,
    user: str | None,
    password: str | None,
    where: ClientEndpoint,
    *,
    anonymous: bool,
) -> None:
    """Raises a usage error for credentials that cannot be combined."""
    if (user is None) != (password is None):
        raise typer.BadParameter("give both or neither", param_hint="--user, --password")
    if token is not None and user is not None:
        raise typer.BadParameter("give a token, or a user name and a password", param_hint="--token, --user")
    if signature is not None and token is None:
        raise typer.BadParameter("give the token that it signs with --token", param_hint="--signature")
    if token is None and user is None and not anonymous and where.at_aws:
        expected = "give a token, or --anonymous if [anonymous] is configured there"
        raise typer.BadParameter(
            f"{where.host} is at AWS, which trusts no development token: {expected}", param_hint="--token"
        )


def _check_page(**given: object) -> None:
    """Raises a usage error for an option of a secret, or one that a page cannot have."""
    if option := next((name for name, value in given.items() if value is not None), None):
        problem = (
            "a page holds no secret, and connects over WebSocket: it calls its function fetchToken, or asks the user"
        )
        raise typer.BadParameter(problem, param_hint=f"--for browser, --{option}")


def _principal_claim(configured: ProjectConfiguration, where: ClientEndpoint) -> str:
    """The claim that names the principal: development tokens have it in `sub`."""
    return configured.template.principal_claim if where.at_aws and configured.template is not None else "sub"


def _check_anonymous(**given: str | None) -> None:
    """Raises a usage error for an option that has no meaning without credentials."""
    if option := next((name for name, value in given.items() if value is not None), None):
        problem = "a client without credentials is the principal of [anonymous], with its claims"
        raise typer.BadParameter(problem, param_hint=f"--anonymous, --{option}")
