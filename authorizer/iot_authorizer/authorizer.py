"""The authorizer: turns an event into an answer, or raises Refusal."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from iot_authorizer.configured_texts import configured_text
from iot_authorizer.credentials import Credentials, CredentialSource, read_credentials
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal, internal_error
from iot_authorizer.response import AuthorizerResponse, allowed
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import InvalidTopics, PolicyError, PolicyPlan, Principal, SessionTimes, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.packing import Document

if TYPE_CHECKING:
    from iot_policies import Deny, Grant

Verify = Callable[[Credentials], VerifiedPrincipal | Principal]
"""Verifies credentials. Raises Refusal."""
GrantTo = Callable[[Principal], "Grant | Deny | Iterable[Grant | Deny]"]
"""Grants topics to a principal. They may have placeholders, as in a template. Raises Refusal."""


_LONGEST_LEEWAY = 300
"""Seconds for which a token that has expired may still be accepted (`TokenSettings.leeway`)."""


@lru_cache(maxsize=8)
def account_region_of(function_arn: str) -> AccountRegion:
    """The account and region of a Lambda function's ARN. Raises Refusal if it is not such an ARN."""
    parts = function_arn.split(":")
    if len(parts) < 7 or parts[0] != "arn" or not all(parts[1:5]):
        raise Refusal(Reason.ACCOUNT_UNKNOWN)
    return AccountRegion(region=parts[3], account=parts[4], partition=parts[1])


class AllowedClient(NamedTuple):
    """The answer to a client that is allowed, with its principal and credential source."""

    response: AuthorizerResponse
    verified: VerifiedPrincipal
    source: CredentialSource
    hint: str
    """What looks like a credential in a header of an anonymous client; empty if nothing does."""


class Authorizer:
    """Verifies credentials and grants topics.

    Pass `verify` and `grant` for rules of your own. Policies are exact, small and safe in any case.
    """

    def __init__(
        self,
        *,
        verify: Verify,
        grant: PolicyPlan | GrantTo,
        session: SessionTimes | None = None,
        token_key_name: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`session` defaults to the template's, `token_key_name` to that of `authorizer.toml`; empty is none.

        `clock` returns seconds since 1970.
        """
        if not callable(verify) or not (callable(grant) or isinstance(grant, PolicyPlan)):
            raise TypeError("expected functions for verify and grant, or a PolicyTemplate for grant")
        if not isinstance(grant, PolicyPlan):
            import iot_policies.template  # noqa: F401 (now, so that the first client does not wait for it)
        self._verify = verify
        self._grant = grant
        self.session = session or (grant.session if isinstance(grant, PolicyPlan) else SessionTimes())
        """How long a connection lasts."""
        self.token_key_name = (configured_text("token_key_name") if token_key_name is None else token_key_name) or None
        """The name under which clients send a token; None for only the standard names."""
        self._clock = clock

    def authorize(self, event: AuthorizerEvent, place: AccountRegion) -> AllowedClient:
        """Answers a client that is allowed. Raises Refusal for every other client."""
        credentials, verified = self.verify(event)
        principal = verified.principal
        life = None if verified.expires_at is None else verified.expires_at - self._clock()
        try:
            documents = self._documents(principal, credentials.client_id, place)
        except Exception as error:  # noqa: BLE001 (a `grant` of the user's can raise anything)
            raise refusal_of(error, credentials, principal) from None
        response = allowed(
            principal.name,
            documents,
            self.session,
            connection_id=event.connection_id,
            token_life=life,
            has_mqtt=event.has_mqtt,
        )
        return AllowedClient(response, verified, credentials.source, credentials.hint)

    def verify(self, event: AuthorizerEvent) -> tuple[Credentials, VerifiedPrincipal]:
        """Finds and verifies the credentials of a client. Raises Refusal."""
        credentials = read_credentials(event, self.token_key_name)
        try:
            return credentials, _checked(self._verify(credentials), self._clock())
        except Exception as error:  # noqa: BLE001 (a `verify` of the user's can raise anything)
            raise refusal_of(error, credentials) from None

    def now(self) -> float:
        """The time, in seconds since 1970."""
        return self._clock()

    def _documents(self, principal: Principal, client_id: str | None, place: AccountRegion) -> list[Document]:
        policy = compile_policy(self.template(principal), principal, client_id)
        if client_id is not None and not policy.may_connect(client_id):
            raise Refusal(Reason.CLIENT_ID_NOT_GRANTED)
        return policy.documents(place)

    def template(self, principal: Principal) -> PolicyPlan:
        """The template that grants a principal topics, or its plan. Raises what a `grant` of your own raises."""
        if isinstance(self._grant, PolicyPlan):
            return self._grant
        from iot_policies.grants import Deny, Grant
        from iot_policies.template import PolicyTemplate

        blocks = self._grant(principal)
        return PolicyTemplate.of([blocks] if isinstance(blocks, (Grant, Deny)) else blocks, session=self.session)


def refusal_of(error: Exception, credentials: Credentials, principal: Principal | None = None) -> Refusal:
    """The Refusal for an exception. It names the credential source and the principal."""
    refusal = _refusal(error)
    refusal.source = credentials.source
    refusal.principal = refusal.principal or principal
    error.with_traceback(None)  # An exception that is raised again each time would keep every event.
    return refusal


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, InvalidTopics):
        from iot_policies.toml_file import key_of

        return Refusal(Reason.INVALID_TOPICS, key_of(error.key))
    if isinstance(error, PolicyError):  # Also of `verify`, which can read claims as a template does.
        return Refusal(error.reason, error.source)
    return error.copy() if isinstance(error, Refusal) else internal_error(error)


def _checked(value: object, now: float) -> VerifiedPrincipal:
    """Checks what `verify` returned: a function of the user's can return anything.

    Raises TypeError, and Refusal for a proof that has expired.
    """
    verified = VerifiedPrincipal(value) if isinstance(value, Principal) else value
    if not isinstance(verified, VerifiedPrincipal) or not isinstance(verified.principal, Principal):
        raise TypeError("verify: expected a Principal or a VerifiedPrincipal")
    if not isinstance(verified.principal.name, str) or verified.principal.name == "":
        raise TypeError("verify: expected a principal with a name")
    if verified.issuer is not None and not isinstance(verified.issuer, str):  # The second argument, not expires_at.
        raise TypeError("verify: expected an issuer that is a text")
    if verified.expires_at is not None:
        if not isfinite(verified.expires_at):
            raise TypeError("verify: expected expires_at in seconds since 1970")
        if verified.expires_at < now - _LONGEST_LEEWAY:
            raise Refusal(Reason.EXPIRED, principal=verified.principal)
    return verified
