"""Revocations of a principal, of one token, or of all tokens issued before some time."""

import json
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from iot_identities.reading import MalformedItem, text, text_or_none, whole_number, whole_number_or_none
from iot_identities.table import Item

PREFIX = "revoked#"


class Kind(StrEnum):
    """What is revoked."""

    PRINCIPAL = "principal"
    """All credentials of a principal: its tokens and its passwords."""
    TOKEN = "token"
    """One token, by its issuer and its `jti` (RFC 7519, section 4.1.7)."""
    BEFORE = "before"
    """Tokens issued before some time: those of one issuer, or all."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revocation. All times in seconds since 1970."""

    kind: Kind
    revoked_at: int
    principal: str | None = None
    issuer: str | None = None
    token_id: str | None = None
    issued_before: int | None = None
    """Only tokens issued before this time are revoked; None for all tokens."""
    expires_at: int | None = None
    """When the revocation expires, since its tokens have expired then; None for never."""

    @property
    def id(self) -> str:
        """The ID of its item."""
        if self.kind is Kind.PRINCIPAL:
            return principal_id(self.principal or "")
        return token_id(self.issuer or "", self.token_id or "") if self.kind is Kind.TOKEN else before_id(self.issuer)

    def concerns(self, issued_at: float | None) -> bool:
        """Whether a token with this issue time is revoked; a token without one is."""
        return self.issued_before is None or issued_at is None or issued_at < self.issued_before


def principal_id(name: str) -> str:
    """The ID of a principal's revocation."""
    return _id(Kind.PRINCIPAL, name)


def token_id(issuer: str, token: str) -> str:
    """The ID of a token's revocation."""
    return _id(Kind.TOKEN, issuer, token)


def before_id(issuer: str | None) -> str:
    """The ID of the revocation of an issuer's tokens; None for the tokens of all issuers."""
    return _id(Kind.BEFORE, *(() if issuer is None else (issuer,)))


def _id(kind: Kind, *names: str) -> str:
    """Hashes the names, since a DynamoDB key has at most 2,048 bytes."""
    return f"{PREFIX}{kind.value}#{sha256(json.dumps(names).encode()).hexdigest()}"


def to_item(revocation: Revocation) -> Item:
    """Turns a revocation into an item."""
    return {
        "id": revocation.id,
        "kind": revocation.kind.value,
        "principal": revocation.principal,
        "issuer": revocation.issuer,
        "token_id": revocation.token_id,
        "issued_before": revocation.issued_before,
        "revoked_at": revocation.revoked_at,
        **({} if revocation.expires_at is None else {"expires_at": revocation.expires_at}),
    }


def from_item(item: Item) -> Revocation:
    """Reads the revocation from an item. Raises MalformedItem."""
    try:
        kind = Kind(text(item, "kind"))
    except ValueError:
        raise MalformedItem("kind") from None
    return Revocation(
        kind=kind,
        revoked_at=whole_number(item, "revoked_at"),
        principal=text_or_none(item, "principal"),
        issuer=text_or_none(item, "issuer"),
        token_id=text_or_none(item, "token_id"),
        issued_before=whole_number_or_none(item, "issued_before"),
        expires_at=whole_number(item, "expires_at") if "expires_at" in item else None,
    )
