"""Revocations as people and programs read them."""

from collections.abc import Iterable, Mapping, Sequence

from iot_authorizer_cli.commands.revoke.connections import Ended
from iot_authorizer_cli.output import time_text
from iot_identities.revocations import Kind, Revocation

_UNITS = {"d": 86_400, "h": 3600, "m": 60}


def as_duration(seconds: int) -> str:
    """As people write it: `15m`."""
    unit = next((unit for unit, size in _UNITS.items() if seconds and seconds % size == 0), "s")
    return f"{seconds // _UNITS.get(unit, 1)}{unit}"


def what(revocation: Revocation) -> str:
    """What is revoked."""
    if revocation.kind is Kind.TOKEN:
        return f"token {revocation.token_id} of {revocation.issuer}"
    before = "" if revocation.issued_before is None else f"issued before {time_text(revocation.issued_before)}"
    if revocation.kind is Kind.PRINCIPAL:
        return f"principal {revocation.principal}" + (f": tokens {before}" if before else "")
    return (f"all tokens {before}" if revocation.issuer is None else f"tokens of {revocation.issuer} {before}").rstrip()


def until(revocation: Revocation) -> str:
    """How long it holds."""
    return "it is undone" if revocation.expires_at is None else time_text(revocation.expires_at)


def names(client_ids: Iterable[str]) -> str:
    """Client IDs in one line."""
    return ", ".join(client_ids) or "none"


def as_object(revocation: Revocation) -> dict[str, object]:
    """A revocation for programs."""
    return {
        "kind": revocation.kind.value,
        "principal": revocation.principal,
        "issuer": revocation.issuer,
        "token_id": revocation.token_id,
        "issued_before": revocation.issued_before,
        "revoked_at": revocation.revoked_at,
        "expires_at": revocation.expires_at,
    }


def ended_rows(ended: Ended, later: Sequence[str], untold: Sequence[str]) -> list[tuple[str, str]]:
    """What became of connections, each row with its name in front."""
    rows = [("ended", names(ended.ended))]
    optional = {
        "not connected": ended.not_connected,
        "ended later": later,
        "not asked": ended.not_asked,
        "not looked up": untold,
    }
    rows += [(name, names(client_ids)) for name, client_ids in optional.items() if client_ids]
    return [*rows, *(("not ended", f"{client_id}: {problem}") for client_id, problem in ended.failed.items())]


def ended_object(
    ended: Ended, later: Sequence[str], let_in: Sequence[str], untold: Sequence[str]
) -> Mapping[str, object]:
    """The same for programs, with those that were let in all the same."""
    return {
        "ended": ended.ended,
        "not_connected": ended.not_connected,
        "ended_later": later,
        "let_in": let_in,
        "not_asked": ended.not_asked,
        "not_looked_up": untold,
        "failed": ended.failed,
    }
