"""`iot-authorizer revoke list` and `revoke undo`."""

import json
from pathlib import Path

import typer

from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.commands.revoke.wording import as_object, until, what
from iot_authorizer_cli.options import AsJson, DataFolder, TableName
from iot_authorizer_cli.output import columns, print_list, time_text, warn
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.identity_table import open_table
from iot_identities import guessing
from iot_identities.reading import MalformedItem
from iot_identities.revocations import PREFIX, Kind, Revocation, from_item

_HEADING = ("revoked", "at", "until")


def list_all(table: TableName = None, data: DataFolder = DATA, as_json: AsJson = False) -> None:
    """List all revocations, the latest first."""
    found: list[Revocation] = []
    for item in open_table(table, data, make=False).items(PREFIX):
        try:
            found.append(from_item(item))
        except MalformedItem as error:
            warn(f"{item['id']} is malformed: {error}; clients that it concerns are refused")
    found.sort(key=lambda each: (-each.revoked_at, what(each)))
    if as_json:
        typer.echo(json.dumps([as_object(each) for each in found], indent=2))
    elif not found:
        typer.echo("nothing is revoked", err=True)
    else:
        print_list(_HEADING, [(what(each), time_text(each.revoked_at), until(each)) for each in found])


def undo_principal(
    name: options.PrincipalName, table: TableName = None, data: DataFolder = DATA, as_json: AsJson = False
) -> None:
    """Undo the revocation of a principal."""
    _undo(Revocation(Kind.PRINCIPAL, 0, principal=options.given_name(name)), table, data, as_json)


def undo_token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.TokenIssuer = None,
    table: TableName = None,
    data: DataFolder = DATA,
    as_json: AsJson = False,
) -> None:
    """Undo the revocation of one token."""
    _undo(options.given_token(text, token_id, issuer), table, data, as_json)


def undo_before(
    issuer: options.Issuer = None, table: TableName = None, data: DataFolder = DATA, as_json: AsJson = False
) -> None:
    """Undo the revocation of tokens that were issued before a time."""
    _undo(Revocation(Kind.BEFORE, 0, issuer=options.given_issuer(issuer)), table, data, as_json)


def _undo(selected: Revocation, name: str | None, data: Path, as_json: bool) -> None:
    """Deletes a revocation, a malformed one too. Raises a usage error if there is none."""
    table = open_table(name, data, make=False)
    try:
        item = table.read([selected.id]).get(selected.id)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if item is None:
        raise typer.BadParameter(f"not revoked: {what(selected)}")
    try:
        found = from_item(item)
    except MalformedItem:
        found = selected
    table.delete(selected.id)
    if selected.principal is not None:
        guessing.forget(table, selected.principal)  # Attempts while it was revoked must not lock it now.
    typer.echo(json.dumps({"undone": as_object(found)}, indent=2) if as_json else columns([("undone", what(found))]))
