"""Why a policy allowed something or did not, by which entry of the template."""

import base64
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import get_args

from iot_authorizer_cli.project.accepted_token import accepted_tokens
from iot_authorizer_cli.project.configured import Configured
from iot_core.authorizers.invocation import Authorization
from iot_policies import PolicyError, Principal
from iot_policies.explaining import Question, explain
from iot_policies.principal import Claims, claim


class Explanations:
    """Explains decisions about clients of the configured authorizer."""

    def __init__(self, configured: Callable[[], Configured]) -> None:
        """`configured` gives the configuration in force."""
        self._configured = configured

    def explain(
        self, authorization: Authorization, action: str, resource: str, client_id: str | None
    ) -> Callable[[], Sequence[str]]:
        """What finds the reasons, the deciding entry first, by the configuration that is in force now.

        It finds none where no template decides.
        """
        return partial(_reasons, self._configured(), authorization, action, resource, client_id)


def _reasons(
    configured: Configured, authorization: Authorization, action: str, resource: str, client_id: str | None
) -> Sequence[str]:
    name = authorization.principal
    question = _question(action)
    if configured.template is None or authorization.authorizer != configured.description.name:
        return ()
    if name is None or question is None:
        return ()
    claims = _claims(configured, authorization, name)
    if claims is None:
        return ()
    try:
        return explain(configured.template, Principal(name, claims), question, resource, client_id).reasons
    except PolicyError as error:
        return (f"{error.reason}: {error}",)


def _question(action: str) -> Question | None:
    found = "connect" if action == "refresh" else action
    return next((question for question in get_args(Question) if question == found), None)


def _claims(configured: Configured, authorization: Authorization, name: str) -> Claims | None:
    """The claims that the Lambda saw: of the token that it accepted, or of the configuration; None for unknown ones."""
    if authorization.door == "anonymous":
        return configured.anonymous_claims
    principal_claim = configured.template.principal_claim if configured.template else "sub"
    key = configured.description.token_key_name
    for token in accepted_tokens(authorization.event, authorization.door, key):
        claims = _payload(token)
        if claims is not None and name in (claims.get("sub"), claim(claims, principal_claim)):
            return configured.stored_claims.joined(name, claims)
    found = configured.stored_claims.of_password(name)
    return {} if found is None and not configured.stored_claims.elsewhere else found


def _payload(token: str) -> Claims | None:
    """A JWT's claims, read and not verified; None for what is none."""
    parts = token.split(".")
    if len(parts) not in (2, 3):
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None
