"""Compiles a template for one principal into one IAM session policy, for temporary credentials from STS.

1. It allows what the documents of `compile_policy` allow to a client with one client ID. No other can connect.
2. It is one text of at most 2,048 characters, which STS takes for all session policies together. What does not fit is
   refused: nothing is left out.
3. A value with a character above U+00FF is refused.
4. A client ID may have `*`, `?` and `$`. They are written so that they stand for themselves. Other values never have
   them.
5. Credentials may do what their role's policy and the session policy both allow.

An IAM policy has `+` and `#` as ordinary characters, `topicfilter/FILTER` for iot:Subscribe, `topic/TOPIC` for
iot:Receive and the action iot:RetainPublish, as an IoT policy has (developer guide, "AWS IoT Core policy actions").

Over HTTPS, a request has no client ID. These credentials still publish to topics with `{client_id}`, since they belong
to the client with that ID. The documents of a custom authorizer leave such topics out over HTTPS.

unmeasured (documented for IAM; checks session-star-itself, session-star-only): that IoT Core fills `${*}` for a signed
connection, and that a `*` in the last part of an ARN matches colons and slashes, is documented for IAM and assumed for
IoT Core.
unmeasured (checks session-attributes, session-attributes-will): the guide shows `iot:ConnectAttributes` "in your IAM
policies" ("Connect policy examples"). If IoT Core did not send this key for a signed connection, `ForAllValues` would
hold without it, and `connect_with` would not limit the CONNECT.
unmeasured (check session-current-time): when IoT Core evaluates `aws:CurrentTime` again for a connection that exists
already.
"""

from collections.abc import Iterator
from typing import NamedTuple

from iot_policies.account_region import AccountRegion
from iot_policies.compiler import compile_policy, fits_client_id
from iot_policies.durations import utc_text
from iot_policies.errors import ClientIdNotGranted, SessionPolicyCharacter, SessionPolicyTooLarge
from iot_policies.iam_packing import NO_CONDITION, is_writable, literal, pack_one
from iot_policies.packing import ConditionBlock, Statement
from iot_policies.placeholders import Values
from iot_policies.policy_plan import PolicyPlan
from iot_policies.principal import Principal

LONGEST_SESSION_POLICY = 2048
"""Characters of all session policies of a call together (STS API reference, AssumeRole, "Policy")."""


class SessionPolicy(NamedTuple):
    """An IAM session policy, and whom it is for."""

    text: str
    """The policy as STS takes it: compact JSON."""
    client_id: str
    """The only client ID that it allows."""
    expires: int | None
    """The time from which it allows nothing, in seconds since 1970; None if it has no such condition."""


def compile_session_policy(
    template: PolicyPlan,
    principal: Principal,
    *,
    client_id: str,
    place: AccountRegion,
    expires: float | None = None,
) -> SessionPolicy:
    """Compiles what a template grants a principal with one client ID.

    `client_id` must be one that the template allows the principal; it also fills `{client_id}`. `place` has the account
    and region of the ARNs. `expires`, in seconds since 1970, adds the condition that the time is earlier.

    Raises as `compile_policy` does. Also raises ClientIdNotGranted, SessionPolicyTooLarge if the policy does not fit
    together with that condition, and SessionPolicyCharacter for a character above U+00FF.
    """
    policy = compile_policy(template, principal, client_id)
    if not policy.may_connect(client_id):
        raise ClientIdNotGranted()
    until = None if expires is None else int(expires)
    bound = [each for statement in policy.statements for each in _bound(statement, client_id)]
    condition = NO_CONDITION if until is None else _before(until)
    text = pack_one(bound, place.arn_prefix("iot"), until=condition, is_only=True)
    if not is_writable(text):
        raise SessionPolicyCharacter(_source(template, principal, client_id))
    if len(text) > LONGEST_SESSION_POLICY:
        raise SessionPolicyTooLarge(len(text))
    return SessionPolicy(text, client_id, until)


def _bound(statement: Statement, client_id: str) -> Iterator[Statement]:
    """A statement with one client ID in place of all patterns for client IDs; nothing if it is about others.

    A statement about iot:Connect has no other action: only its resources are client IDs without a topic.
    """
    if "iot:Connect" not in statement.heading.actions:
        yield statement
    elif any(fits_client_id(resource, client_id) for resource in statement.resources):
        yield Statement(statement.heading, (f"client/{literal(client_id)}",))


def _before(until: int) -> ConditionBlock:
    """A condition for each Allow: without the key, it does not hold, so that the request is denied."""
    return {"DateLessThan": {"aws:CurrentTime": utc_text(until)}}


def _source(template: PolicyPlan, principal: Principal, client_id: str) -> str:
    """The placeholder whose value has a character above U+00FF; empty if an entry itself has one."""
    if not is_writable(client_id):
        return "client_id"
    values = Values(principal, client_id)
    applies = template.applying(principal.claims)
    parts = (part for _, parts in template.statements for part in parts if applies[part.block])
    for name in dict.fromkeys(name for part in parts for name in part.names):
        if not all(is_writable(value) for (value,) in values.combinations((name,))):
            return name
    return ""
