"""The authorizer: an event in, an answer out; whatever goes wrong is one Refusal."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from authorizer.credentials import Credentials, Door, read_credentials
from authorizer.event import AuthorizerEvent
from authorizer.jwt_verifier import VerifiedPrincipal
from authorizer.refusal import Reason, Refusal
from authorizer.response import AuthorizerResponse, allowed
from policies import Deny, Grant, InvalidTopics, PolicyError, PolicyTemplate, Principal, Session, compile_policy

Verify = Callable[[Credentials], VerifiedPrincipal | Principal]
"""Proves credentials. Raises Refusal."""
GrantTo = Callable[[Principal], Grant | Deny | Sequence[Grant | Deny]]
"""What a principal may do. Its topics may hold placeholders, as a template's do. Raises Refusal."""


class Place(NamedTuple):
    """Where the authorizer runs, for the ARNs of its policies."""

    region: str
    account: str
    partition: str = "aws"


@lru_cache(maxsize=8)
def place_of(function_arn: str) -> Place:
    """Where a Lambda function runs, from its ARN. Raises Refusal where that is none."""
    parts = function_arn.split(":")
    if len(parts) < 7 or parts[0] != "arn" or not all(parts[1:5]):
        raise Refusal(Reason.ACCOUNT_UNKNOWN)
    return Place(region=parts[3], account=parts[4], partition=parts[1])


class Admission(NamedTuple):
    """A client that was let in, and who it is."""

    response: AuthorizerResponse
    verified: VerifiedPrincipal
    door: Door


class Authorizer:
    """Verifies credentials and grants topics.

    `verify` and `grant` are all that it takes to have rules of your own; what makes policies exact, small and safe
    is the same for all.
    """

    def __init__(
        self,
        *,
        verify: Verify,
        grant: PolicyTemplate | GrantTo,
        session: Session | None = None,
        token_key_name: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`session` defaults to the template's; `clock` gives seconds since 1970."""
        self._verify = verify
        self._grant = grant
        self._session = session or (grant.session if isinstance(grant, PolicyTemplate) else Session())
        self._token_key_name = token_key_name
        self._clock = clock

    def authorize(self, event: AuthorizerEvent, place: Place) -> Admission:
        """Lets a client in, or raises Refusal."""
        credentials = read_credentials(event, self._token_key_name)
        verified = self._verify(credentials)
        if isinstance(verified, Principal):
            verified = VerifiedPrincipal(verified)
        principal = verified.principal
        try:
            policy = compile_policy(self._template(principal), principal, credentials.client_id)
            documents = policy.documents(region=place.region, account=place.account, partition=place.partition)
        except PolicyError as error:
            raise Refusal(error.reason, getattr(error, "source", ""), principal=principal) from None
        except InvalidTopics as error:
            raise Refusal(Reason.INVALID_TOPICS, principal=principal) from error
        if credentials.client_id is not None and not policy.may_connect(credentials.client_id):
            raise Refusal(Reason.CLIENT_ID_NOT_GRANTED, principal=principal)
        life = None if verified.expires_at is None else verified.expires_at - self._clock()
        response = allowed(principal.name, documents, self._session, event.connection_id, life)
        return Admission(response, verified, credentials.door)

    def _template(self, principal: Principal) -> PolicyTemplate:
        if isinstance(self._grant, PolicyTemplate):
            return self._grant
        blocks = self._grant(principal)
        return PolicyTemplate.of([blocks] if isinstance(blocks, (Grant, Deny)) else blocks, session=self._session)
