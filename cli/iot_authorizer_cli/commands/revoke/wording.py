"""Revocations as text and as JSON."""

from iot_authorizer_cli.terminal import time_text
from iot_identities.revocations import Kind, Revocation

_UNITS = {"d": 86_400, "h": 3600, "m": 60}


def duration_text(seconds: int) -> str:
    """Formats a duration with its largest whole unit, such as `15m`."""
    unit = next((unit for unit, size in _UNITS.items() if seconds and seconds % size == 0), "s")
    return f"{seconds // _UNITS.get(unit, 1)}{unit}"


def what(revocation: Revocation) -> str:
    """Says what is revoked."""
    if revocation.kind is Kind.TOKEN:
        return f"token {revocation.token_id} of {revocation.issuer}"
    before = "" if revocation.issued_before is None else f"issued before {time_text(revocation.issued_before)}"
    if revocation.kind is Kind.PRINCIPAL:
        return f"principal {revocation.principal}" + (f": tokens {before}" if before else "")
    return (f"all tokens {before}" if revocation.issuer is None else f"tokens of {revocation.issuer} {before}").rstrip()


def until(revocation: Revocation) -> str:
    """Says when the revocation ends."""
    return "it is undone" if revocation.expires_at is None else time_text(revocation.expires_at)


def as_object(revocation: Revocation) -> dict[str, object]:
    """A revocation for JSON. All times in seconds since 1970."""
    return {
        "kind": revocation.kind.value,
        "principal": revocation.principal,
        "issuer": revocation.issuer,
        "token_id": revocation.token_id,
        "issued_before": revocation.issued_before,
        "revoked_at": revocation.revoked_at,
        "expires_at": revocation.expires_at,
    }
