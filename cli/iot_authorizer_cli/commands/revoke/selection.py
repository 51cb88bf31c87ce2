"""What a user asks to revoke."""

import math
from datetime import datetime
from shlex import quote

import typer

from iot_authorizer_cli.arguments import duration
from iot_authorizer_cli.commands.connect.principal import unverified_claims
from iot_authorizer_cli.output import time_text
from iot_authorizer_cli.prompts import standard_input
from iot_identities.revocations import Kind, Revocation
from iot_policies.principal import Claims

_MOST_LEEWAY = 5 * 60
"""Seconds that a token may live longer than it says: the most that the configuration's `leeway` allows."""
_LONGEST = "36500d"
_CLOCKS_DIFFER = 60
"""Seconds: a moment later than so is a mistake, and would lock out new tokens as well."""
_LONGEST_TOKEN = 64 * 1024
"""Bytes, many times what the authorizer takes."""


def token_text(text: str) -> str:
    """A token; `-` reads it from standard input. Raises a usage error where that is closed, or no text."""
    if text != "-":
        return text
    try:
        return standard_input("TOKEN", _LONGEST_TOKEN).decode().strip()
    except UnicodeDecodeError:
        raise typer.BadParameter("expected a JWT", param_hint="TOKEN") from None


def token_claims(text: str) -> Claims:
    """What a token says, which is read and not verified. Raises a usage error for what is no JWT, unquoted."""
    found = unverified_claims(text)
    if found is None:
        raise typer.BadParameter("expected a JWT", param_hint="TOKEN")
    return found


def of_token(claims: Claims, principal: str | None) -> Revocation:
    """The revocation of a token, without its times. Raises a usage error where it has no ID or no issuer."""
    issuer, token_id = claims.get("iss"), claims.get("jti")
    if not isinstance(token_id, str) or not token_id:
        instead = "revoke its principal" if principal is None else f"iot-authorizer revoke principal {quote(principal)}"
        raise typer.BadParameter(f"it has no ID (jti) to revoke it by: {instead}", param_hint="TOKEN")
    if not isinstance(issuer, str) or not issuer:
        raise typer.BadParameter("it names no issuer (iss)", param_hint="TOKEN")
    return Revocation(Kind.TOKEN, 0, issuer=issuer, token_id=token_id)


def end_of_token(claims: Claims, now: float) -> int | None:
    """When nobody gets in with a token any more; None where it does not say. Raises a usage error where that is over.

    All times in seconds since 1970.
    """
    expires_at = claims.get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, (int, float)) or not math.isfinite(expires_at):
        return None
    end = math.ceil(expires_at) + _MOST_LEEWAY
    if end <= now:
        raise typer.BadParameter(f"it expired at {time_text(int(expires_at))}: it lets nobody in", param_hint="TOKEN")
    return end


def of_token_id(token_id: str | None, issuer: str | None) -> Revocation:
    """The same for a token of which only its ID and its issuer are known. Raises a usage error without one of them."""
    if not token_id or not issuer:
        raise typer.BadParameter("expected a token, or else --id and --issuer", param_hint="TOKEN")
    return Revocation(Kind.TOKEN, 0, issuer=issuer, token_id=token_id)


def only_token(token_id: str | None, issuer: str | None) -> None:
    """Raises a usage error for what goes with no token."""
    if token_id is not None or issuer is not None:
        raise typer.BadParameter("a token says them itself", param_hint="--id, --issuer")


def end_of(lasting: str | None, now: float) -> int | None:
    """When a revocation ends, in seconds since 1970; None for never. Raises a usage error."""
    return None if lasting is None else math.ceil(now) + duration(lasting, "--for", _LONGEST, "1s")


def moment(text: str, option: str, now: float) -> int:
    """A moment in seconds since 1970: `now`, or as RFC 3339 writes it. Raises a usage error, also for one to come.

    It is rounded up: a token that was issued within the same second counts as issued before.
    """
    if text == "now":
        return math.ceil(now)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter('expected now, or a moment such as "2026-11-21T10:00:00Z"', param_hint=option)
    if found.timestamp() > now + _CLOCKS_DIFFER:
        raise typer.BadParameter(
            "expected a moment that is over: new tokens would be locked out as well", param_hint=option
        )
    return math.ceil(found.timestamp())
