"""The result of verifying credentials."""

from typing import NamedTuple

from iot_policies import Principal


class VerifiedPrincipal(NamedTuple):
    """A principal, and what its credentials say about it beside the claims."""

    principal: Principal
    issuer: str | None = None
    """The token's `iss`; None for passwords and anonymous clients."""
    expires_at: float | None = None
    """When the credentials expire, in seconds since 1970; None for never."""
    issued_at: float | None = None
    """The token's `iat`, in seconds since 1970; None without one."""
    token_id: str | None = None
    """The token's `jti`; None without one."""
    unchecked: str | None = None
    """Why the table could not be asked for revocations; None if it was asked or is not configured."""
