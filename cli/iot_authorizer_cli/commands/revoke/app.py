"""`iot-authorizer revoke`: locks a principal or tokens out, and ends their connections."""

import json
import time
from dataclasses import replace
from typing import Annotated

import typer

from iot_authorizer_cli.commands.connect.principal import subject
from iot_authorizer_cli.commands.revoke import options, undo
from iot_authorizer_cli.commands.revoke.connections import Ending
from iot_authorizer_cli.commands.revoke.given_token import as_it_says
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, Order, lock_out
from iot_authorizer_cli.commands.revoke.place import Place
from iot_authorizer_cli.commands.revoke.selection import (
    end_of,
    moment,
    of_token,
    of_token_id,
    only_token,
    token_claims,
    token_text,
)
from iot_authorizer_cli.commands.revoke.wording import as_object, ended_object, ended_rows, until, what
from iot_authorizer_cli.options import add_command, new_app
from iot_authorizer_cli.output import columns
from iot_authorizer_cli.project.development_issuer import DATA
from iot_identities.revocations import Kind, Revocation
from iot_policies import Principal


def principal(
    name: options.PrincipalName,
    issued_before: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only tokens from before: now, or 2026-11-21T10:00:00Z.")
    ] = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    as_json: options.AsJson = False,
) -> None:
    """Lock a principal out: its passwords, and its tokens, whoever issued them.

    With --issued-before, only its tokens from before that moment, and no password: it gets in with a new one.
    Its connections end, too, where the policy template grants it a client ID by name, and those of --client-id.
    """
    now = time.time()
    revocation = Revocation(
        Kind.PRINCIPAL,
        int(now),
        principal=options.given_name(name),
        issued_before=None if issued_before is None else moment(issued_before, "--issued-before", now),
        expires_at=end_of(lasting, now),
    )
    order = Order(
        revocation, Principal(name), options.given_client_ids(client_id), remarks=options.remarks_on_name(name)
    )
    place = options.place(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    _lock_out(order, place, as_json=as_json)


def token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.IssuerOfToken = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    as_json: options.AsJson = False,
) -> None:
    """Lock one token out, by the token itself, or by its ID (jti) and its issuer.

    Of a token whose signature is verified, the revocation ends by itself 5 minutes after the token does, and its
    principal's connections end. Of any other nothing is believed but its ID and its issuer.
    """
    now = time.time()
    given, end = options.given_client_ids(client_id), end_of(lasting, now)
    if text is None:
        selected = of_token_id(token_id, issuer)
    else:
        only_token(token_id, issuer)
        text = token_text(text)
        claims = token_claims(text)
        selected = of_token(claims, subject(None, claims))
    place = options.place(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    remarks = options.remarks_on_issuer(selected.issuer, place.known, at_aws=table is not None)
    order = Order(replace(selected, revoked_at=int(now), expires_at=end), None, given, remarks)
    if text is not None:
        order = as_it_says(order, text, claims, place, data if table is None else None)
    _lock_out(order, place, as_json=as_json)


def before(
    at: Annotated[str, typer.Argument(metavar="TIME", help="now, or a moment such as 2026-11-21T10:00:00Z.")],
    issuer: options.Issuer = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
) -> None:
    """Lock out all tokens that were issued before a moment, or those of one issuer. Passwords are not concerned."""
    now = time.time()
    revocation = Revocation(
        Kind.BEFORE,
        int(now),
        issuer=options.given_issuer(issuer),
        issued_before=moment(at, "TIME", now),
        expires_at=end_of(lasting, now),
    )
    given = options.given_client_ids(client_id)
    options.agree(revocation, yes=yes)
    place = options.place(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    remarks = options.remarks_on_issuer(issuer, place.known, at_aws=table is not None)
    _lock_out(Order(revocation, None, given, remarks), place, as_json=as_json)


def _lock_out(order: Order, place: Place, *, as_json: bool) -> None:
    """Does it and says so. Exits with 1 where clients may still be connected, or are let in all the same."""
    try:
        done = lock_out(order, place)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(json.dumps(_object(done), indent=2) if as_json else columns(_rows(done)))
    raise typer.Exit(1 if done.in_vain else 0)


def _rows(done: LockedOut) -> list[tuple[str, str]]:
    rows = [("revoked", what(done.revocation)), ("until", until(done.revocation)), ("table", done.table)]
    if done.replaced is not None:
        rows.append(("in place of", f"{what(done.replaced)}, until {until(done.replaced)}"))
    return [*rows, *ended_rows(done.ended, done.ended_later, done.untold)]


def _object(done: LockedOut) -> dict[str, object]:
    return {
        "revoked": as_object(done.revocation),
        "in_place_of": None if done.replaced is None else as_object(done.replaced),
        "table": done.table,
        "connections": ended_object(done.ended, done.ended_later, done.let_in, done.untold),
    }


app = new_app(
    "revoke",
    "Lock a principal or tokens out, end their connections at once, and take that back.",
    "principal ann",
)
add_command(app, "revoke principal", principal, "ann --for 30d")
add_command(app, "revoke token", token, "- < stolen.jwt")
add_command(app, "revoke before", before, "now --issuer https://auth.example.com/")
add_command(app, "revoke list", undo.list_all, "--json")
app.add_typer(undo.app, name="undo")
