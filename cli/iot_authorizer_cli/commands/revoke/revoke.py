"""`iot-authorizer revoke principal`, `token` and `before`."""

import json
import time
from dataclasses import replace
from typing import Annotated

import typer

from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.commands.revoke.connections import Ending
from iot_authorizer_cli.commands.revoke.locking_out import LockedOut, RevocationTarget, lock_out
from iot_authorizer_cli.commands.revoke.wording import as_object, until, what
from iot_authorizer_cli.options import AsJson, DataFolder, TableName, Yes
from iot_authorizer_cli.output import columns, warn
from iot_authorizer_cli.project.development_issuer import DATA, ISSUER
from iot_authorizer_cli.prompts import confirm
from iot_identities.revocations import Kind, Revocation
from iot_policies.placeholders import is_safe

_LONGEST_SESSION = "24h"
"""IoT Core's longest `disconnectAfterInSeconds`: no connection that was authorized by a token lasts longer."""


def principal(
    name: options.PrincipalName,
    issued_before: Annotated[
        str | None, typer.Option(metavar="TIME", help="Revoke only older tokens: now, or 2026-11-21T10:00:00Z.")
    ] = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    table: TableName = None,
    data: DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a principal: its passwords and its tokens.

    Revokes tokens of every issuer. With --issued-before, revokes only tokens that were issued before that time; newer
    tokens and passwords stay valid. Ends the connections of the client IDs that the policy template names one by one,
    and of each --client-id.
    """
    now = time.time()
    revocation = Revocation(
        Kind.PRINCIPAL,
        int(now),
        principal=options.given_name(name),
        issued_before=None if issued_before is None else options.past_time(issued_before, "--issued-before", now),
        expires_at=options.end_of(lasting, now),
    )
    given = options.given_client_ids(client_id)
    target = options.open_target(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    done = _lock_out(revocation, given, target)
    if not is_safe(name):
        warn(f"{name} is taken literally, as a principal's name: use --client-id for a client ID")
    _show(done, target, as_json=as_json)


def token(
    text: options.TokenText = None,
    token_id: options.TokenId = None,
    issuer: options.TokenIssuer = None,
    lasting: options.TokenFor = _LONGEST_SESSION,
    client_id: options.ClientIds = None,
    table: TableName = None,
    data: DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Revoke one token.

    Give the token itself, or its ID (jti) and its issuer. Give --for if the token expires later than in 24 hours. The
    token is not verified, so its principal is unknown: ends only the connections of each --client-id.
    """
    now = time.time()
    given = options.given_client_ids(client_id)
    selected = options.given_token(text, token_id, issuer)
    revocation = replace(selected, revoked_at=int(now), expires_at=options.end_of(lasting, now))
    target = options.open_target(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    done = _lock_out(revocation, given, target)
    _warn_of_issuer(revocation.issuer, target, at_aws=table is not None)
    warn(f"the revocation ends at {until(revocation)}: if the token expires later, revoke it with a longer --for")
    _show(done, target, as_json=as_json)


def before(
    at: Annotated[str, typer.Argument(metavar="TIME", help="now, or a time such as 2026-11-21T10:00:00Z.")],
    issuer: options.Issuer = None,
    lasting: options.For = None,
    client_id: options.ClientIds = None,
    table: TableName = None,
    data: DataFolder = DATA,
    config: options.ConfigFile = None,
    endpoint_url: options.EndpointUrl = None,
    clean_session: options.CleanSession = False,
    no_will: options.NoWill = False,
    no_wait: options.NoWait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Revoke all tokens that were issued before a time.

    With --issuer, revokes only tokens of that issuer. Passwords stay valid.
    """
    now = time.time()
    revocation = Revocation(
        Kind.BEFORE,
        int(now),
        issuer=options.given_issuer(issuer),
        issued_before=options.past_time(at, "TIME", now),
        expires_at=options.end_of(lasting, now),
    )
    given = options.given_client_ids(client_id)
    confirm(f"Revoke {what(revocation)}?", yes=yes, no="nothing was revoked")
    target = options.open_target(table, data, config, endpoint_url, no_wait, Ending(clean_session, no_will))
    done = _lock_out(revocation, given, target)
    _warn_of_issuer(issuer, target, at_aws=table is not None)
    _show(done, target, as_json=as_json)


def _lock_out(revocation: Revocation, given: tuple[str, ...], target: RevocationTarget) -> LockedOut:
    try:
        return lock_out(revocation, given, target)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from None


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
    return [*rows, *(("not ended", f"{client_id}: {problem}") for client_id, problem in done.ended.failed)]


def _object(done: LockedOut, target: RevocationTarget) -> dict[str, object]:
    return {
        "revoked": as_object(done.revocation),
        "replaced": None if done.replaced is None else as_object(done.replaced),
        "table": target.table_name,
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
