"""Explains which entry of a template allows or denies an action of a principal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion
from iot_policies.actions import RESOURCE_TYPES, Action
from iot_policies.compiler import compile_policy
from iot_policies.connection import Connection
from iot_policies.entries import Entry
from iot_policies.errors import NothingGranted, PolicyError
from iot_policies.evaluator import Evaluator
from iot_policies.nearest import nearest, problem
from iot_policies.placeholders import Values
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import TO, direct_message
from iot_policies.wildcards import matcher

Question = Literal["connect", "publish", "retain", "subscribe", "receive", "read", "send"]

ACTIONS: dict[Question, tuple[Action, ...]] = {
    "connect": ("iot:Connect",),
    "publish": ("iot:Publish",),
    "retain": ("iot:Publish", "iot:RetainPublish"),
    "subscribe": ("iot:Subscribe",),
    "receive": ("iot:Receive",),
    "read": ("iot:GetRetainedMessage",),
    "send": ("iot:SendDirectMessage",),
}
"""The actions that a question needs."""
QUESTION_NAMES = " or ".join(", ".join(ACTIONS).rsplit(", ", 1))
"""The questions in words, for messages."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the action is allowed, and why."""

    allowed: bool
    reasons: tuple[str, ...]
    """The deciding entry; if no entry decided, the entries that come nearest to allowing it."""


def explain(
    template: PolicyTemplate,
    principal: Principal,
    question: Question,
    resource: str,
    client_id: str | None = None,
    connect_attributes: frozenset[str] = frozenset(),
    *,
    place: AccountRegion = EXAMPLE_PLACE,
) -> Explanation:
    """Compiles the principal's policy, evaluates it, and finds the entry that decided.

    `resource` is a client ID, a topic name, a topic filter or a direct message, as in `pump-7 commands/stop`.
    `connect_attributes` are those of a CONNECT, such as `LastWill`. `place` has the account and region of the ARNs,
    whose length decides whether a policy is too large.
    """
    resource = direct_message(resource) if question == "send" else resource
    client_id = resource if question == "connect" else client_id
    values = Values(principal, client_id)
    try:
        evaluator = _evaluator(template, principal, client_id, connect_attributes, place, _topic(question, resource))
    except PolicyError as error:
        reasons = [problem(error, values)]
        if isinstance(error, NothingGranted):
            reasons += nearest(template, principal, ACTIONS[question][-1], resource, values)
        return Explanation(False, (*reasons,))
    covering = {
        action: [entry for entry in template.applicable(principal) if entry_covers(entry, action, resource, values)]
        for action in ACTIONS[question]
    }
    for action, entries in covering.items():
        if not evaluator.allows(action, _arn(place, action, resource)):
            decided = (*_denials(entries, connect_attributes),)
            return Explanation(False, decided or nearest(template, principal, ACTIONS[question][-1], resource, values))
    grants = [entry for entry in covering[ACTIONS[question][-1]] if entry.effect == "Allow"]
    return Explanation(True, tuple(f"by {entry}" for entry in grants[:1]))


def is_allowed(
    template: PolicyTemplate,
    principal: Principal,
    question: Question,
    resource: str,
    client_id: str | None = None,
    connect_attributes: frozenset[str] = frozenset(),
    *,
    place: AccountRegion = EXAMPLE_PLACE,
) -> bool:
    """What `explain` decides, without the reasons, most of which take longer to find."""
    resource = direct_message(resource) if question == "send" else resource
    try:
        asked = resource if question == "connect" else client_id
        evaluator = _evaluator(template, principal, asked, connect_attributes, place, _topic(question, resource))
    except PolicyError:
        return False
    return all(evaluator.allows(action, _arn(place, action, resource)) for action in ACTIONS[question])


def _evaluator(
    template: PolicyTemplate,
    principal: Principal,
    client_id: str | None,
    connect_attributes: frozenset[str],
    place: AccountRegion,
    topic: str | None,
) -> Evaluator:
    documents = compile_policy(template, principal, client_id).documents(place)
    return Evaluator(documents, Connection(client_id=client_id, connect_attributes=connect_attributes, topic=topic))


def _topic(question: Question, resource: str) -> str | None:
    """The topic of a direct message, which is a condition; None for any other question."""
    return resource.partition(TO)[2] if question == "send" else None


def _arn(place: AccountRegion, action: Action, resource: str) -> str:
    name = resource.partition(TO)[0] if action == "iot:SendDirectMessage" else resource
    return f"{place.arn_prefix('iot')}{RESOURCE_TYPES[action]}/{name}"


def _denials(entries: Sequence[Entry], attributes: frozenset[str]) -> Iterator[str]:
    """The entries that cover a resource and still do not allow it: a deny, or a grant without a connect attribute."""
    for entry in entries:
        if entry.effect == "Allow":
            if unwanted := attributes - {*(attributes if entry.attributes is None else entry.attributes)}:
                yield f"{entry}: needs {' and '.join(sorted(unwanted))} in connect_with, which the CONNECT asks for"
        elif entry.attributes is None or attributes & {*entry.attributes}:
            yield f"by {entry}"


def entry_covers(entry: Entry, action: Action, resource: str, values: Values) -> bool:
    """Whether an entry, with the values of a principal, covers an action on a resource. Raises PolicyError.

    In a direct message, TO is once in the pattern and once in the text, so that no `*` takes it.
    """
    text = f"{RESOURCE_TYPES[action]}/{resource}"
    return any(
        rule.action == action
        and _rule_matches(rule.allowed, combination, text)
        and not any(_rule_matches(denied, combination, text) for denied in rule.denied)
        for rule in entry.rules
        for combination in values.combinations(rule.names)
    )


def _rule_matches(pattern: str, combination: tuple[str, ...], text: str) -> bool:
    return matcher(pattern.format(*combination))(text)
