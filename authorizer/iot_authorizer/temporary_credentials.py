"""Temporary credentials for one client: its verified principal's session of the client role.

1. The session policy is what the template grants the principal with one client ID. If the client names none, it is the
   only one that the template allows. The client's own credentials are then verified again, with this client ID: a
   verifier of your own may accept them for others only.
2. Everything ends when the custom authorizer would end a connection: with the client's own credentials, or after
   `disconnect_after`. If the revocations could not be read and `when_unavailable` allows the client, it ends after 15
   minutes. Credentials last until then, and at most one hour: a function has its role from a session itself, and AWS
   STS limits such sessions ("role chaining").
3. A connection can outlive its credentials, up to 24 hours. So the session policy allows nothing from that end on. If
   it has no room for this condition, it is left out.
4. AWS STS gives no credentials for less than 15 minutes. If they must end earlier, only the condition ends them. If
   there is no room for it, the client is refused.

unmeasured (check session-current-time): whether IoT Core evaluates `aws:CurrentTime` again for a connection that exists
already.
"""

import hashlib
import re
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Protocol

from iot_authorizer.authorizer import Authorizer, refusal_of
from iot_authorizer.credentials import Credentials
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import PolicyPlan, Principal, SessionTimes, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.errors import SessionPolicyTooLarge
from iot_policies.session_policy import SessionPolicy, compile_session_policy
from iot_policies.session_times import LONGEST_SESSION

SHORTEST, LONGEST = 900, 3600
"""Seconds of a session that a function can get from AWS STS (API_AssumeRole, "DurationSeconds")."""
_SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,63}")


class RoleSessionKeys(NamedTuple):
    """The keys of a role's session."""

    key_id: str
    secret: str
    session_token: str
    expires_at: float
    """In seconds since 1970."""


class ClientRole(Protocol):
    """The role that clients get."""

    @property
    def endpoint(self) -> str:
        """The host name of IoT Core's data endpoint, which clients connect to."""
        ...

    def assume(self, name: str, policy: str, seconds: int) -> RoleSessionKeys:
        """A session with a name, limited by a session policy. Raises Refusal."""
        ...


class TemporaryCredentials(NamedTuple):
    """Credentials for AWS, and what the client needs to use them."""

    key_id: str
    secret: str
    session_token: str
    expires_at: float
    """In seconds since 1970."""
    client_id: str
    """The only MQTT client ID that they allow."""
    endpoint: str
    region: str


class IssuedCredentials(NamedTuple):
    """What a client gets, and by which credentials of its own."""

    temporary: TemporaryCredentials
    verified: VerifiedPrincipal
    own: Credentials


def issue(authorizer: Authorizer, role: ClientRole, event: AuthorizerEvent, place: AccountRegion) -> IssuedCredentials:
    """Verifies a client's credentials, and issues temporary ones. Raises Refusal."""
    own, verified = authorizer.verify(event)
    client_id = own.client_id
    try:
        if client_id is None:
            client_id = _only_client_id(authorizer.template(verified.principal), verified.principal)
            own, verified = authorizer.verify(event.with_client_id(client_id))
        template, now = authorizer.template(verified.principal), authorizer.now()
        life = _life(verified, authorizer.session, now)
        policy = _session_policy(template, verified.principal, client_id, place, now, life)
        seconds = max(SHORTEST, min(int(life), LONGEST))
        keys = role.assume(session_name(verified.principal.name), policy.text, seconds)
    except Exception as error:  # noqa: BLE001 (a `grant` of the user's can raise anything)
        raise refusal_of(error, own, verified.principal) from None
    told = keys.expires_at if policy.expires is None else min(keys.expires_at, policy.expires)
    temporary = TemporaryCredentials(
        keys.key_id, keys.secret, keys.session_token, told, client_id, role.endpoint, place.region
    )
    return IssuedCredentials(temporary, verified, own)


def session_name(principal: str) -> str:
    """The name of a principal's session, which IoT Core's logs and events show.

    It is the principal's name if AWS STS accepts that, and else its SHA-256, so that no two principals share one.
    """
    if _SESSION_NAME.fullmatch(principal):
        return principal
    return hashlib.sha256(principal.encode("utf-8", "surrogatepass")).hexdigest()


def _life(verified: VerifiedPrincipal, session: SessionTimes, now: float) -> float:
    """Seconds until everything ends."""
    life: float = session.disconnect_after
    if verified.unchecked is not None:
        life = min(life, SHORTEST)
    if verified.expires_at is not None:
        life = min(life, verified.expires_at - now)
    if life < 1:  # The client's credentials were accepted by the leeway.
        raise Refusal(Reason.EXPIRED)
    return life


def _only_client_id(template: PolicyPlan, principal: Principal) -> str:
    found = compile_policy(template, principal).only_client_id()
    if found is None:
        raise Refusal(Reason.CLIENT_ID_MISSING)
    return found


def _session_policy(
    template: PolicyPlan, principal: Principal, client_id: str, place: AccountRegion, now: float, life: float
) -> SessionPolicy:
    compiled = partial(compile_session_policy, template, principal, client_id=client_id, place=place)
    if life < LONGEST_SESSION:  # IoT Core itself ends connections then.
        with suppress(SessionPolicyTooLarge):
            return compiled(expires=now + life)
    found = compiled()
    if life < SHORTEST:
        raise Refusal(Reason.TOKEN_EXPIRES_TOO_SOON)
    return found
