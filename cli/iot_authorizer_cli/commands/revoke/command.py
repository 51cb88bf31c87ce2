"""`iot-authorizer revoke principal`, `token`, `before`, `list` and `undo`."""

import json
import time
from dataclasses import replace
from typing import Annotated

import typer

from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.commands.revoke.client_ids import KnownConfiguration
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, RevocationTarget, lock_out
from iot_authorizer_cli.commands.revoke.wording import as_object, until, what
from iot_authorizer_cli.options import AsJson, Yes, usage_errors
from iot_authorizer_cli.project.development_issuer import ISSUER
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.terminal import columns, confirm, print_list, time_text, warn
from iot_identities import guessing
from iot_identities.reading import MalformedItem
from iot_identities.revocations import PREFIX, Kind, Revocation, from_item
from iot_policies.durations import duration_text
from iot_policies.names import name_problem
from iot_policies.placeholders import is_safe

_HEADING = ("revoked", "at", "until")


def principal(
    name: options.PrincipalName,
    issued_before: Annotated[
        str | None, typer.Option(metavar="TIME", help="Revoke only older tokens: now, or 2026-11-21T10:00:00Z.")
    ] = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    *,
    where: options.TargetOptions,
) -> None:
    """Revoke a principal: its passwords and its tokens.

    Revokes tokens of every issuer. With --issued-before, revokes only tokens that were issued before that time; newer
    tokens and passwords stay valid. Ends the connections of the client IDs that the policy template names one by one,
    and of each --client-id.
    """
    if (problem := name_problem(name)) is not None:
        expected = "the authorizer refuses such names, so nothing was revoked: write the name as the issuer does"
        raise typer.BadParameter(f"the name {problem}: {expected}", param_hint="NAME")
    now = time.time()
    revocation = Revocation(
        Kind.PRINCIPAL,
        int(now),
        principal=name,
        issued_before=None if issued_before is None else options.past_time(issued_before, "--issued-before", now),
        expires_at=options.end_of(lasting, now),
    )
    target = where.target()
    done = _lock_out(revocation, client_id, target)
    if not is_safe(name):
        warn(f"{name} is taken literally, as a principal's name: use --client-id for a client ID")
    _show(done, target, as_json=where.as_json)


def token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.TokenIssuer = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    *,
    where: options.TargetOptions,
) -> None:
    """Revoke one token.

    Give the token itself, or its ID (jti) and its issuer. The token is not verified, so its principal and its end are
    unknown: ends only the connections of each --client-id, and holds until it is undone, or for the time of --for.
    """
    now = time.time()
    selected = options.given_token(text, token_id, issuer)
    revocation = replace(selected, revoked_at=int(now), expires_at=options.end_of(lasting, now))
    target = where.target()
    done = _lock_out(revocation, client_id, target)
    _warn_of_issuer(revocation.issuer, target, at_aws=where.table is not None)
    _show(done, target, as_json=where.as_json)


def before(
    at: Annotated[str, typer.Argument(metavar="TIME", help="now, or a time such as 2026-11-21T10:00:00Z.")],
    issuer: options.Issuer = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    yes: Yes = False,
    *,
    where: options.TargetOptions,
) -> None:
    """Revoke all tokens that were issued before a time.

    With --issuer, revokes only tokens of that issuer. Passwords stay valid.
    """
    now = time.time()
    revocation = Revocation(
        Kind.BEFORE,
        int(now),
        issuer=issuer,
        issued_before=options.past_time(at, "TIME", now),
        expires_at=options.end_of(lasting, now),
    )
    confirm(f"Revoke {what(revocation)}?", yes=yes, no="nothing was revoked")
    target = where.target()
    done = _lock_out(revocation, client_id, target)
    _warn_of_issuer(issuer, target, at_aws=where.table is not None)
    _show(done, target, as_json=where.as_json)


def _lock_out(revocation: Revocation, client_ids: list[str] | None, target: RevocationTarget) -> LockedOut:
    with usage_errors():
        return lock_out(revocation, tuple(client_ids or ()), target)


def _warn_of_issuer(issuer: str | None, target: RevocationTarget, *, at_aws: bool) -> None:
    """Says that the configuration has no such issuer, so that the revocation concerns no token."""
    if issuer is None or target.known.has_issuer(issuer) or (issuer == ISSUER and not at_aws):
        return
    warn(f"{target.known.path} has no issuer {issuer}: this revokes no token that its authorizer accepts")


def _show(done: LockedOut, target: RevocationTarget, *, as_json: bool) -> None:
    """Prints what was done. Exits with 1 if clients may still be connected, or can connect again."""
    found = _object(done, target)
    typer.echo(json.dumps(found, indent=2) if as_json else columns(_rows(done, target)))
    raise typer.Exit(1 if done.failed else 0)


def _rows(done: LockedOut, target: RevocationTarget) -> list[tuple[str, str]]:
    rows = [("revoked", what(done.revocation)), ("until", until(done.revocation)), ("table", target.table_name)]
    if done.replaced is not None:
        rows.append(("replaced", f"{what(done.replaced)}, until {until(done.replaced)}"))
    rows.append(("ended", ", ".join(done.ended.ended) or "none"))
    optional = {
        "not connected": done.ended.not_connected,
        "ended later": done.ended_later,
        "not asked": done.ended.not_asked,
        "not looked up": done.unknown,
    }
    rows += [(name, ", ".join(client_ids)) for name, client_ids in optional.items() if client_ids]
    rows.append(("over HTTPS", _over_https(target.known)))
    return [*rows, *(("not ended", f"{client_id}: {problem}") for client_id, problem in done.ended.failed)]


def _over_https(known: KnownConfiguration) -> str:
    """Says until when requests of revoked clients are answered: `revoke` cannot end an HTTPS connection."""
    longest = known.refreshed_after
    cached = "after the refresh_after of its template" if longest is None else f"within {duration_text(longest)}"
    return f"refused within {duration_text(known.refused_after)}; with caching_for_http, {cached}"


def _object(done: LockedOut, target: RevocationTarget) -> dict[str, object]:
    return {
        "revoked": as_object(done.revocation),
        "replaced": None if done.replaced is None else as_object(done.replaced),
        "table": target.table_name,
        "refused_after": target.known.refused_after,
        "refreshed_after": target.known.refreshed_after,
        "connections": {
            "ended": done.ended.ended,
            "not_connected": done.ended.not_connected,
            "ended_later": done.ended_later,
            "still_allowed": done.still_allowed,
            "not_asked": done.ended.not_asked,
            "not_looked_up": done.unknown,
            "failed": dict(done.ended.failed),
        },
    }


def list_revocations(as_json: AsJson = False, *, where: TableOptions) -> None:
    """List all revocations, the latest first."""
    found: list[Revocation] = []
    for item in where.open().items(PREFIX):
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


def undo_principal(name: options.PrincipalName, as_json: AsJson = False, *, where: TableOptions) -> None:
    """Undo the revocation of a principal."""
    _undo(Revocation(Kind.PRINCIPAL, 0, principal=name), where, as_json=as_json)


def undo_token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.TokenIssuer = None,
    as_json: AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """Undo the revocation of one token."""
    _undo(options.given_token(text, token_id, issuer), where, as_json=as_json)


def undo_before(issuer: options.Issuer = None, as_json: AsJson = False, *, where: TableOptions) -> None:
    """Undo the revocation of tokens that were issued before a time."""
    _undo(Revocation(Kind.BEFORE, 0, issuer=issuer), where, as_json=as_json)


def _undo(selected: Revocation, where: TableOptions, *, as_json: bool) -> None:
    """Deletes a revocation, a malformed one too. Raises a usage error if there is none."""
    table = where.open()
    with usage_errors():
        item = table.read([selected.id]).get(selected.id)
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
