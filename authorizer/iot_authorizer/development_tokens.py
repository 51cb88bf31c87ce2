"""Development tokens whose time passes faster, as `dev --time-scale N` lets the authorizer's times pass.

1. The life of a token, from `iat` to `exp`, is N times as short. So a test or a reader sees it end.
2. What the token has left counts N times in the answer, because the seconds of an answer pass N times as fast.
3. `iat` is in whole seconds, so a token lives up to one second longer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from iot_authorizer.jwt_verifier import AcceptedTokens
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import Token
from iot_authorizer.verified_principal import VerifiedPrincipal


@dataclass(frozen=True, slots=True)
class ScaledTokens(AcceptedTokens):
    """The tokens of the development issuer on a machine where time passes faster."""

    time_scale: float
    clock: Callable[[], float] = time.time
    """Gives seconds since 1970."""

    def verify(self, token: Token) -> VerifiedPrincipal:
        """Verifies a token. Raises Refusal."""
        verified = AcceptedTokens.verify(self, token)
        if verified.issued_at is None or verified.expires_at is None:
            return verified
        now, life = self.clock(), (verified.expires_at - verified.issued_at) / self.time_scale
        left = verified.issued_at + life - now
        if left <= -1:
            raise Refusal(Reason.EXPIRED, f"after {life:g} s, because of the time scale {self.time_scale:g}")
        return verified._replace(expires_at=now + max(left, 0) * self.time_scale)
