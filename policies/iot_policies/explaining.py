"""Explains which entry of a template allows or denies an action of a principal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from iot_policies.compiler import compile_policy
from iot_policies.connection import Connection
from iot_policies.entries import RESOURCE_TYPES, Action, Entry
from iot_policies.errors import PolicyError
from iot_policies.evaluator import Evaluator
from iot_policies.overlap import could_be_equal
from iot_policies.placeholders import Values, as_format, placeholder_names, split_template
from iot_policies.principal import Claims, Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, contains, split
from iot_policies.when import Condition
from iot_policies.wildcards import matcher

Question = Literal["connect", "publish", "retain", "subscribe", "receive"]

ACTIONS: dict[Question, tuple[Action, ...]] = {
    "connect": ("iot:Connect",),
    "publish": ("iot:Publish",),
    "retain": ("iot:Publish", "iot:RetainPublish"),
    "subscribe": ("iot:Subscribe",),
    "receive": ("iot:Receive",),
}

_REGION, _ACCOUNT = "us-east-1", "123456789012"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether the action is allowed, and why."""

    allowed: bool
    reasons: tuple[str, ...]
    """The deciding entry; if no entry decided, the entries that come nearest to allowing it."""


def explain(
    template: PolicyTemplate, principal: Principal, question: Question, resource: str, client_id: str | None = None
) -> Explanation:
    """Compiles the principal's policy, evaluates it, and finds the entry that decided.

    `resource` is a client ID, a topic name or a topic filter.
    """
    client_id = resource if question == "connect" else client_id
    try:
        policy = compile_policy(template, principal, client_id)
        documents = policy.documents(region=_REGION, account=_ACCOUNT)
    except PolicyError as error:
        return Explanation(
            False, (f"{error.reason}: {error}", *_nearly(template, principal, question, resource, client_id))
        )
    values = Values(principal, client_id)
    evaluator = Evaluator(documents, Connection(client_id=client_id))
    covering = {
        action: [entry for entry in template.applicable(principal) if _covers(entry, action, resource, values)]
        for action in ACTIONS[question]
    }
    for action, entries in covering.items():
        if not evaluator.allows(action, f"arn:aws:iot:{_REGION}:{_ACCOUNT}:{RESOURCE_TYPES[action]}/{resource}"):
            denials = tuple(f"by {entry}" for entry in entries if entry.effect == "Deny")
            return Explanation(False, denials or _nearly(template, principal, question, resource, client_id))
    grants = [entry for entry in covering[ACTIONS[question][-1]] if entry.effect == "Allow"]
    return Explanation(True, tuple(f"by {entry}" for entry in grants[:1]))


def left_out(
    template: PolicyTemplate, principal: Principal, client_id: str | None
) -> Iterator[tuple[Entry, Sequence[str]]]:
    """Entries that apply but are left out, with their placeholders that have no value. Raises UnsafeValue."""
    values = Values(principal, client_id)
    for entry in template.applicable(principal):
        if missing := [name for name in entry.rules[0].names if not values.combinations((name,))]:
            yield entry, missing


def _covers(entry: Entry, action: Action, resource: str, values: Values) -> bool:
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


def _nearly(
    template: PolicyTemplate, principal: Principal, question: Question, resource: str, client_id: str | None
) -> tuple[str, ...]:
    values = Values(principal, client_id)
    found = list(_near_entries(template, principal.claims, ACTIONS[question][-1], resource, values))
    return tuple(found) or ("no entry covers it",)


def _near_entries(
    template: PolicyTemplate, claims: Claims, action: Action, resource: str, values: Values
) -> Iterator[str]:
    for entry in template.entries:
        if entry.effect == "Deny" or all(rule.action != action for rule in entry.rules):
            continue
        try:
            missing = [name for name in placeholder_names(entry.text) if not values.combinations((name,))]
            covers = _covers(entry, action, resource, values)
            applies = entry.block.applies(claims)
        except PolicyError:
            continue
        if covers and not applies:
            yield f"{entry} would allow it, but needs {conditions(entry.block.when or {})}"
        elif not covers and contains(tuple(_levels(entry, resource)), split(resource), could_be_equal):
            others = " and ".join(missing or _other_values(entry.filter, resource, values))
            yield f"{entry} " + (f"does not apply: {others} is missing" if missing else f"is for another {others}")


def _levels(entry: Entry, resource: str) -> list[str]:
    """An entry's levels. The final `*` of a client ID becomes `#`: both match all that follows."""
    levels = list(split_template(entry.filter))
    if entry.key == "connect" and levels[-1] == "*" and len(levels) <= len(split(resource)):
        levels[-1] = HASH
    return levels


def _other_values(text: str, resource: str, values: Values) -> list[str]:
    """The placeholders whose values differ from the levels of the resource."""
    others: dict[str, None] = {}
    for level, found in zip(split_template(text), split(resource), strict=False):
        names = placeholder_names(level)
        pattern = as_format(level, names)
        if names and all(pattern.format(*combination) != found for combination in values.combinations(names)):
            others |= dict.fromkeys(names)
    return list(others)


def conditions(when: Mapping[str, Condition]) -> str:
    """The conditions of a `when`, in words."""
    return ", ".join(_condition(name, wanted) for name, wanted in when.items())


def _condition(name: str, wanted: Condition) -> str:
    return f"the claim {name}" if wanted == "*" else f"{name} = {_choice(wanted)}"


def _choice(wanted: Condition) -> str:
    if isinstance(wanted, tuple):
        return " or ".join(map(_choice, wanted))
    if isinstance(wanted, bool):
        return str(wanted).lower()
    return str(wanted)
