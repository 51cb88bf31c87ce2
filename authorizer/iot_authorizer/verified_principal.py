"""What a verifier gives: a principal, and what its proof says."""

from typing import NamedTuple

from iot_policies import Principal


class VerifiedPrincipal(NamedTuple):
    """A principal, and what its proof says beside its claims."""

    principal: Principal
    issuer: str | None = None
    """Who vouches for it: a token's `iss`; None for passwords and anonymous clients."""
    expires_at: float | None = None
    """When the proof ends, in seconds since 1970; None where it does not."""
    issued_at: float | None = None
    """When it began, in seconds since 1970: a token's `iat`; None where it does not say."""
    token_id: str | None = None
    """A token's `jti`; None where it has none."""
    unchecked: str | None = None
    """Why nobody could say whether it is revoked; None where somebody did, or nobody was to be asked."""
