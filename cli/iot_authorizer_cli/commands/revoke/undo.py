"""`iot-authorizer revoke list` and `iot-authorizer revoke undo`: what is revoked, and taking it back."""

import json
from pathlib import Path

import typer

from iot_authorizer_cli.commands.connect.principal import subject
from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.commands.revoke.selection import of_token, of_token_id, only_token, token_claims, token_text
from iot_authorizer_cli.commands.revoke.wording import as_object, until, what
from iot_authorizer_cli.options import add_command, new_app
from iot_authorizer_cli.output import columns, print_list, time_text
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_identities import guessing
from iot_identities.reading import MalformedItem
from iot_identities.revocations import PREFIX, Kind, Revocation, from_item

_HEADING = ("revoked", "at", "until")


def list_all(table: options.TableName = None, data: options.DataFolder = DATA, as_json: options.AsJson = False) -> None:
    """List what is revoked, the latest first."""
    found: list[Revocation] = []
    for item in open_table(table, data, make=False).items(PREFIX):
        try:
            found.append(from_item(item))
        except MalformedItem as error:
            options.tell(f"{item['id']} is malformed: {error}; whom it concerns is refused")
    found.sort(key=lambda each: (-each.revoked_at, what(each)))
    if as_json:
        typer.echo(json.dumps([as_object(each) for each in found], indent=2))
        return
    rows = [(what(each), time_text(each.revoked_at), until(each)) for each in found]
    if not rows:
        typer.echo("nothing is revoked", err=True)
    else:
        print_list(_HEADING, rows)


def undo_principal(
    name: options.PrincipalName,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    as_json: options.AsJson = False,
) -> None:
    """Let a principal in again."""
    _undo(Revocation(Kind.PRINCIPAL, 0, principal=options.given_name(name)), table, data, as_json)


def undo_token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.IssuerOfToken = None,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    as_json: options.AsJson = False,
) -> None:
    """Let in with a token again."""
    if text is None:
        found = of_token_id(token_id, issuer)
    else:
        only_token(token_id, issuer)
        claims = token_claims(token_text(text))
        found = of_token(claims, subject(None, claims))
    _undo(found, table, data, as_json)


def undo_before(
    issuer: options.Issuer = None,
    table: options.TableName = None,
    data: options.DataFolder = DATA,
    as_json: options.AsJson = False,
) -> None:
    """Let in with tokens again, whenever they were issued: an issuer's, or all."""
    _undo(Revocation(Kind.BEFORE, 0, issuer=options.given_issuer(issuer)), table, data, as_json)


def _undo(selected: Revocation, name: str | None, data: Path, as_json: bool) -> None:
    """Deletes it, also where its item is malformed. Raises a usage error where there is none."""
    table = open_table(name, data, make=False)
    try:
        item = table.read([selected.id]).get(selected.id)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if item is None:
        raise typer.BadParameter(f"it is not revoked: {what(selected)}")
    try:
        found = from_item(item)
    except MalformedItem:
        found = selected
    table.delete(selected.id)
    if selected.principal is not None:
        guessing.forget(table, selected.principal)  # It may have tried on.
    typer.echo(json.dumps({"undone": as_object(found)}, indent=2) if as_json else columns([("undone", what(found))]))


app = new_app("revoke undo", "Take a revocation back.", "principal ann")
add_command(app, "revoke undo principal", undo_principal, "ann")
add_command(app, "revoke undo token", undo_token, "--id 7f3a --issuer https://auth.example.com/")
add_command(app, "revoke undo before", undo_before, "--issuer https://auth.example.com/")
