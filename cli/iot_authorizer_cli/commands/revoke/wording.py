"""Revocations as text and as JSON."""

from iot_authorizer_cli.terminal import time_text
from iot_identities.revocations import Kind, Revocation


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
