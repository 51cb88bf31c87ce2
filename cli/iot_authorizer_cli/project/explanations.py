"""Explains why the configured authorizer allowed an action or refused it: by which template entry, or which claim.

- The claims are the ones that the Lambda saw. They are found again in the event, where the Lambda's log line says that
  it found the credentials. A token in any other place of the event proves nothing, and is not read.
- Every decision is explained by the configuration in force when it was made.
- No explanation is better than a wrong one: if the claims are not known, there are no reasons.
- The Lambda's log line names a claim and never its value. This runs on the user's machine, and shows the value beside
  the one that was expected.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from iot_authorizer.authorizer import account_region_of
from iot_authorizer.credentials import read_credentials
from iot_authorizer.event import AuthorizerEvent
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.token_settings import JwtIssuer, SignedTokens
from iot_authorizer.tokens import Token, read_token
from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_authorizer_cli.project.development_issuer import ISSUER
from iot_authorizer_cli.terminal import time_text
from iot_core.authorizers.event import query_of, similar_name
from iot_core.authorizers.invocation import Asked, AuthorizerCall
from iot_core.reasons import IotCoreReason
from iot_policies import PolicyError, Principal
from iot_policies.explaining import Question, explain
from iot_policies.nearest import choice, shown
from iot_policies.principal import Claims, claim
from iot_policies.topics import TO

_BY_TEMPLATE = {
    None,
    IotCoreReason.NOT_ALLOWED_BY_POLICY,
    IotCoreReason.CONNECT_NOT_ALLOWED,
    IotCoreReason.WILL_NOT_ALLOWED,
    Reason.CLIENT_ID_NOT_GRANTED,
    Reason.NOTHING_GRANTED,
    Reason.UNSAFE_VALUE,
    Reason.UNCLEAR_DENIAL,
    Reason.AMBIGUOUS_CLAIM,
    Reason.POLICY_TOO_LARGE,
}
"""The reason codes of what a template does not grant."""
_QUESTIONS = {"refresh": "connect", "http_publish": "publish", "http_send": "send", "http_get_retained": "read"}
"""The question that decides an action with another name."""

_TIMES = ("exp", "nbf", "iat")
_HEADERS = ("alg", "typ")
_CLAIMS: Mapping[str, str] = {
    Reason.UNKNOWN_ISSUER: "iss",
    Reason.WRONG_AUDIENCE: "aud",
    Reason.WRONG_CLIENT: "client_id",
    Reason.WRONG_TOKEN_USE: "token_use",
    Reason.EXPIRED: "exp",
    Reason.NOT_YET_VALID: "nbf",
    Reason.ISSUED_IN_FUTURE: "iat",
    Reason.ALGORITHM_NOT_ALLOWED: "alg",
    Reason.INVALID_CLAIM: "",
}
"""The claim or header that a reason code is about, unless the log line's `detail` names another."""


def decision_reasons(
    configuration: ProjectConfiguration, call: AuthorizerCall, asked: Asked, reason: str | None
) -> Sequence[str]:
    """Finds the reasons of a decision, the deciding template entry first; none if neither template nor token decides.

    `reason` is the reason code of a refusal.
    """
    if call.authorizer != configuration.description.name:
        return ()
    if reason in (Reason.NO_CREDENTIALS, Reason.MISPLACED_CREDENTIALS):
        hint = _misspelled(call, configuration.description.token_key_name)
        return (hint,) if hint else ()
    if reason not in _BY_TEMPLATE:
        return (*_token_reasons(configuration, call, reason or ""),)
    principal, question = principal_seen(configuration, call), _question(asked.action)
    if configuration.template is None or principal is None or question is None or asked.resource == "":
        return ()
    if question == "send" and asked.resource.count(TO) > 1:  # Its client ID or its topic has one of these tabs.
        return ()
    place = account_region_of(configuration.description.function_arn)
    found = explain(configuration.template, principal, question, *asked[1:], place=place)
    return found.reasons if found.allowed == (reason is None) else ()


def principal_seen(configuration: ProjectConfiguration, call: AuthorizerCall) -> Principal | None:
    """The principal with the claims that the Lambda saw; None if they are not known."""
    name = call.principal
    if name is None or call.authorizer != configuration.description.name:
        return None
    claims = _claims(configuration, call, name)
    return None if claims is None else Principal(name, claims)


def _question(action: str) -> Question | None:
    found = _QUESTIONS.get(action, action)
    return next((question for question in get_args(Question) if question == found), None)


def _misspelled(call: AuthorizerCall, token_key_name: str | None) -> str:
    """The name in the request that may be a typo of the token key name; empty if there is none."""
    event = AuthorizerEvent.parse(call.event)
    queries = (event.query_string, query_of(event.user_name))
    return similar_name(token_key_name or "access_token", queries, event.headers or ())


def _token_reasons(configuration: ProjectConfiguration, call: AuthorizerCall, reason: str) -> Iterator[str]:
    """What the token says, and what the configuration expects."""
    text = _token_text(call, configuration.description.token_key_name)
    if reason == Reason.MALFORMED_TOKEN and call.detail == "parts" and text is not None:
        yield f"expected a JWT, HEADER.CLAIMS.SIGNATURE, found a text with {text.count('.')} dots"
    token = _token(call, configuration.description.token_key_name)
    if token is None:
        return
    if reason == Reason.KEYS_UNAVAILABLE:
        yield from _jwks(configuration, token)
    if reason == Reason.BAD_SIGNATURE and token.claims.get("iss") == ISSUER:
        yield "another data folder's development issuer signed the token: make it with the same --data"
    detail = call.detail or ""
    name = detail if detail and " " not in detail else _CLAIMS.get(reason, "")
    if reason == Reason.MISSING_CLAIM:
        yield f"the token has the claims {', '.join(token.claims)}"
    elif reason in _CLAIMS and name:
        issuers = [each for each in configuration.issuers if name == "iss" or each.issuer == token.claims.get("iss")]
        expected = _expected(name, issuers)
        yield f"{name} is {shown(_seen(token, name))}{f', expected {choice(expected)}' if expected else ''}"


def _jwks(configuration: ProjectConfiguration, token: Token) -> Iterator[str]:
    """Where the keys of the token's issuer are expected."""
    for each in configuration.issuers:
        if isinstance(each, JwtIssuer) and each.issuer == token.claims.get("iss") and each.jwks is not None:
            yield f"jwks is {each.jwks}: set it to jwks_uri of the issuer's OpenID configuration, or to a file of keys"


def _seen(token: Token, name: str) -> object:
    """The value of a claim or of a header."""
    if name in _HEADERS:
        return token.header.algorithm if name == "alg" else token.header.type
    value = _named(token.claims, name)
    return time_text(value) if name in _TIMES and isinstance(value, int) and not isinstance(value, bool) else value


def _expected(name: str, issuers: Sequence[JwtIssuer | SignedTokens]) -> list[str]:
    """The values that the configuration accepts for a claim or header."""
    found: list[str | None] = []
    for each in issuers:
        accepted: dict[str, Sequence[str | None]] = {
            "iss": (each.issuer,),
            "aud": each.audience,
            "typ": (each.required_type,),
            "alg": each.algorithms if isinstance(each, JwtIssuer) else ("RS256",),
        }
        if isinstance(each, JwtIssuer):
            accepted |= {each.client_claim: each.client_id, "token_use": (each.required_use,)}
        found += accepted.get(name, ())
    return [*dict.fromkeys(value for value in found if value is not None)]


def _claims(configuration: ProjectConfiguration, call: AuthorizerCall, name: str) -> Claims | None:
    """The claims that the Lambda saw: of the accepted token, of the user, or of `[anonymous]`; None if unknown."""
    if call.source == "anonymous":
        return None if configuration.anonymous is None else configuration.anonymous.claims
    stored = configuration.stored_claims
    principal_claim = configuration.template.principal_claim if configuration.template else "sub"
    token = _token(call, configuration.description.token_key_name)
    if token is not None and name in (token.claims.get("sub"), _named(token.claims, principal_claim)):
        return stored.joined(name, token.claims)
    found = stored.of_user(name)
    return {} if found is None and not stored.in_dynamodb else found


def _named(claims: Claims, name: str) -> object | None:
    try:
        return claim(claims, name)
    except PolicyError:  # The Lambda refused it, so a handler of your own has accepted the token.
        return None


def _token_text(call: AuthorizerCall, token_key_name: str | None) -> str | None:
    """The text that the Lambda read as a token; None if it read none."""
    try:
        credentials = read_credentials(AuthorizerEvent.parse(call.event), token_key_name)
    except Refusal:  # Of a handler with rules of its own, which reads credentials in its own way.
        return None
    return credentials.token if credentials.source == call.source else None


def _token(call: AuthorizerCall, token_key_name: str | None) -> Token | None:
    """The token that the Lambda read; None if it read none."""
    text = _token_text(call, token_key_name)
    try:
        return None if text is None else read_token(text)
    except Refusal:
        return None
