"""Compiles a template for one principal into one IAM session policy, for temporary credentials from STS.

1. It allows what the documents of `compile_policy` allow, for one client ID: its only client is that one.
2. It is one text of at most 2,048 characters, the limit of STS for all session policies of a call together. What does
   not fit is refused; nothing is left out.
3. Its characters end at U+00FF, as STS demands. A value with another character is refused.
4. `*` and `?` are wildcards and `${` begins a variable, as in an IoT policy. Values have none of these characters, but
   a client ID may: there they are written as `${*}`, `${?}` and `${$}`.
5. To be short, statements share what they can: an action only ever has resources of its own type, so one statement
   can hold actions on clients, topics and topic filters.
6. Credentials with a session policy may do what both the policy of their role and the session policy allow.

IAM reads `+` and `#` as ordinary characters, `iot:Subscribe` asks for `topicfilter/FILTER`, `iot:Receive` for
`topic/TOPIC`, and `iot:RetainPublish` is an action, all as in an IoT policy (developer guide, "AWS IoT Core actions").

unmeasured: that IAM fills `${*}` for a signed connection, and that a `*` in the last part of an ARN matches colons and
slashes, as in an IoT policy, is documented for IAM and assumed for IoT Core.
unmeasured: the guide shows `iot:ConnectAttributes` "in your IAM policies" ("Connect policy examples"), but the list of
condition keys for IAM does not name it. If IoT Core did not send the key for a signed connection, `ForAllValues` would
hold, and `connect_with` would not limit a Will or a persistent session.
unmeasured: what `aws:CurrentTime` does to a connection that exists already.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from iot_policies.account_region import AccountRegion
from iot_policies.compiler import compile_policy, fits_client_id
from iot_policies.entries import RESOURCE_TYPES, Action, Effect, in_order
from iot_policies.errors import ClientIdNotGranted, SessionPolicyCharacter, SessionPolicyTooLarge
from iot_policies.packing import ConditionBlock, Statement
from iot_policies.placeholders import Values
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate

LONGEST_SESSION_POLICY = 2048
"""Characters of all session policies together (STS API reference, AssumeRole, "Policy")."""
_LAST_CHARACTER = "\u00ff"
_LITERAL = str.maketrans({sign: f"${{{sign}}}" for sign in "*?$"})
"""IAM's predefined variables for the characters that have a meaning (IAM user guide, "Variables")."""


class SessionPolicy(NamedTuple):
    """An IAM session policy, and what it grants."""

    text: str
    """The policy as STS takes it: compact JSON."""
    client_id: str
    """The only client ID that it allows."""
    expires: int | None
    """The time after which it allows nothing, in seconds since 1970; None if it has no such condition."""


def compile_session_policy(
    template: PolicyTemplate,
    principal: Principal,
    *,
    client_id: str,
    place: AccountRegion,
    expires: float | None = None,
) -> SessionPolicy:
    """Compiles what a template grants a principal with one client ID.

    `client_id` must be one that the template allows the principal; it also fills `{client_id}`. `place` has the account
    and region of the ARNs. `expires`, in seconds since 1970, adds the condition that the time is before that.

    Raises as `compile_policy` does. Also raises ClientIdNotGranted, SessionPolicyTooLarge if the policy does not fit
    into 2,048 characters together with that condition, and SessionPolicyCharacter for a character above U+00FF.
    """
    policy = compile_policy(template, principal, client_id)
    if not policy.may_connect(client_id):
        raise ClientIdNotGranted()
    until = None if expires is None else int(expires)
    prefix = place.arn_prefix("iot")
    statements = [
        _written(row, prefix, _until(until) if row.effect == "Allow" else {})
        for row in _rows(_bound(policy.statements, client_id))
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"), ensure_ascii=False)
    if max(text) > _LAST_CHARACTER:
        raise SessionPolicyCharacter(_source(template, principal, client_id))
    if len(text) > LONGEST_SESSION_POLICY:
        raise SessionPolicyTooLarge(len(text))
    return SessionPolicy(text, client_id, until)


class _Row(NamedTuple):
    """A statement whose actions only have resources of their own type."""

    effect: Effect
    condition: ConditionBlock
    actions: tuple[Action, ...]
    resources: tuple[str, ...]


_Told = dict[str, tuple[Action, ...]]
"""The resources of one effect and condition, each with its actions."""


def _bound(statements: Iterable[Statement], client_id: str) -> Iterator[tuple[Effect, ConditionBlock, _Told]]:
    """What statements say, by effect and condition, with one client ID in place of the patterns that it fits."""
    found: dict[str, tuple[Effect, ConditionBlock, _Told]] = {}
    for heading, resources in statements:
        condition = heading.condition or {}
        _, _, told = found.setdefault(json.dumps([heading.effect, condition]), (heading.effect, condition, {}))
        for resource in resources:
            if "iot:Connect" in heading.actions:
                if not fits_client_id(resource, client_id):
                    continue
                named = f"client/{client_id.translate(_LITERAL)}"
            else:
                named = resource
            told[named] = in_order((*told.get(named, ()), *heading.actions))
    yield from found.values()


def _rows(bound: Iterable[tuple[Effect, ConditionBlock, _Told]]) -> Iterator[_Row]:
    """As few statements as possible.

    For each type of resources, those with the same actions belong together. One statement takes the largest group of
    each type, the next one the second largest, and so on.
    """
    for effect, condition, told in bound:
        groups: dict[str, dict[tuple[Action, ...], list[str]]] = {}
        for resource, actions in told.items():
            groups.setdefault(RESOURCE_TYPES[actions[0]], {}).setdefault(actions, []).append(resource)
        ordered = [sorted(each.items(), key=lambda group: -len(group[1])) for each in groups.values()]
        for index in range(max(map(len, ordered), default=0)):
            taken = [each[index] for each in ordered if index < len(each)]
            actions = in_order(action for group, _ in taken for action in group)
            yield _Row(effect, condition, actions, tuple(resource for _, each in taken for resource in each))


def _written(row: _Row, prefix: str, until: ConditionBlock) -> dict[str, object]:
    statement: dict[str, object] = {
        "Effect": row.effect,
        "Action": _one_or_all(row.actions),
        "Resource": _one_or_all([prefix + resource for resource in row.resources]),
    }
    condition = {**row.condition, **until}
    return {**statement, "Condition": condition} if condition else statement


def _one_or_all(texts: Iterable[str]) -> object:
    """IAM takes a text in place of a list with one element, which is two characters shorter."""
    found = list(texts)
    return found[0] if len(found) == 1 else found


def _until(expires: int | None) -> ConditionBlock:
    """A condition of an Allow, so that a request without the key is denied."""
    if expires is None:
        return {}
    return {"DateLessThan": {"aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))}}


def _source(template: PolicyTemplate, principal: Principal, client_id: str) -> str:
    """The placeholder whose value has a character above U+00FF; empty if it is in the template itself."""
    if max(client_id) > _LAST_CHARACTER:
        return "client_id"
    values = Values(principal, client_id)
    names = dict.fromkeys(
        name for entry in template.applicable(principal) for rule in entry.rules for name in rule.names
    )
    found = (name for name in names if any(max(value) > _LAST_CHARACTER for (value,) in values.combinations((name,))))
    return next(found, "")
