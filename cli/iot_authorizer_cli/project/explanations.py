"""Explains why the policy of the configured authorizer allowed an action or refused it: by which template entry.

- The claims are the ones that the Lambda saw. They are found again in the event, where the Lambda's log line says that
  it found the credentials. A token in any other place of the event proves nothing, and is not read.
- Every decision is explained by the configuration in force when it was made.
- No explanation is better than a wrong one: if the claims are not known, there are no reasons.
"""

from collections.abc import Sequence
from typing import get_args

from iot_authorizer.credentials import read_credentials
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.refusal import Refusal
from iot_authorizer.tokens import read_token
from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_core.authorizers.invocation import Authorization
from iot_policies import PolicyError, Principal
from iot_policies.explaining import Question, explain
from iot_policies.principal import Claims, claim


def decision_reasons(
    configuration: ProjectConfiguration,
    authorization: Authorization,
    action: str,
    resource: str,
    client_id: str | None,
) -> Sequence[str]:
    """Finds the reasons of a decision, the deciding template entry first; none if no template decides."""
    name = authorization.principal
    question = _question(action)
    if configuration.template is None or authorization.authorizer != configuration.description.name:
        return ()
    if name is None or question is None:
        return ()
    claims = _claims(configuration, authorization, name)
    if claims is None:
        return ()
    return explain(configuration.template, Principal(name, claims), question, resource, client_id).reasons


def _question(action: str) -> Question | None:
    found = "connect" if action == "refresh" else action
    return next((question for question in get_args(Question) if question == found), None)


def _claims(configuration: ProjectConfiguration, authorization: Authorization, name: str) -> Claims | None:
    """The claims that the Lambda saw: of the accepted token, of the user, or of `[anonymous]`; None if unknown."""
    if authorization.source == "anonymous":
        return configuration.anonymous_claims
    stored = configuration.stored_claims
    principal_claim = configuration.template.principal_claim if configuration.template else "sub"
    claims = _token_claims(authorization, configuration.description.token_key_name)
    if claims is not None and name in (claims.get("sub"), _named(claims, principal_claim)):
        return stored.joined(name, claims)
    found = stored.of_user(name)
    return {} if found is None and not stored.in_dynamodb else found


def _named(claims: Claims, principal_claim: str) -> object | None:
    try:
        return claim(claims, principal_claim)
    except PolicyError:  # The Lambda refused it, so a handler of your own has accepted the token.
        return None


def _token_claims(authorization: Authorization, token_key_name: str | None) -> Claims | None:
    """The claims of the token that the Lambda accepted; None if it accepted none."""
    try:
        credentials = read_credentials(AuthorizerEvent.parse(authorization.event), token_key_name)
        if credentials.token is None or credentials.source != authorization.source:
            return None
        return read_token(credentials.token).claims
    except Refusal:  # Of a handler with rules of its own, which reads credentials in its own way.
        return None
