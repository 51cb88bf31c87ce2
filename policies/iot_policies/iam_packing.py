"""Packs statements into one IAM policy, as short as it can be.

1. An action only has resources of its own type: iot:Connect and iot:SendDirectMessage clients, iot:Subscribe topic
   filters, all others topics. So one statement can have actions of several types, and grants no more than one statement
   for each type would. The two about clients are never together: a direct message always has a condition of its own.
2. Resources of one type with the same actions belong together. One statement takes the largest such group of each type,
   the next statement the second largest, and so on.
3. In a policy that is the only one, a Deny is about all actions, as `iot:*`, if that takes nothing from an Allow.
4. A list of one text is written as the text, which IAM takes, too.
5. `*` and `?` are wildcards in resources, and `${` begins a variable. `literal` writes a text without them.
6. Characters end at U+00FF (IAM API reference, "PolicyDocument"; STS API reference, "Policy"). JSON could write others
   as `\\uXXXX`; whether IAM takes that is not documented.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from iot_policies.actions import RESOURCE_TYPES, Action, Effect, in_order
from iot_policies.packing import ConditionBlock, Statement
from iot_policies.wildcards import matcher

_LAST_CHARACTER = "\u00ff"
_LITERAL = str.maketrans({sign: f"${{{sign}}}" for sign in "*?$"})
"""IAM's predefined variables for these characters (IAM user guide, "Variables")."""
_EVERY_ACTION = "iot:*"
NO_CONDITION: ConditionBlock = {}


class _Row(NamedTuple):
    effect: Effect
    condition: ConditionBlock
    actions: tuple[str, ...]
    resources: tuple[str, ...]


_Grouped = dict[str, tuple[Action, ...]]
"""The resources of one effect and condition, each with its actions."""


def pack_one(
    statements: Iterable[Statement], prefix: str, *, until: ConditionBlock = NO_CONDITION, is_only: bool = False
) -> str:
    """Writes statements as the compact JSON of one policy.

    `prefix` is the ARN up to its last colon. Each Allow gets the condition `until`, too. `is_only`: no other policy of
    the same kind allows anything, so that a Deny may be about more actions than its own.
    """
    rows = _rows(statements, is_only=is_only)
    written = [_written(row, prefix, until if row.effect == "Allow" else NO_CONDITION) for row in rows]
    document = {"Version": "2012-10-17", "Statement": written}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def is_writable(text: str) -> bool:
    """Whether an IAM policy can have all characters of a text."""
    return max(text, default="") <= _LAST_CHARACTER


def literal(text: str) -> str:
    """A text for a resource in which each character stands for itself."""
    return text.translate(_LITERAL)


def _rows(statements: Iterable[Statement], *, is_only: bool) -> Iterator[_Row]:
    found: dict[str, tuple[Effect, ConditionBlock, _Grouped]] = {}
    for heading, resources in statements:
        effect, condition = heading.effect, heading.condition or NO_CONDITION
        _, _, grouped = found.setdefault(json.dumps([effect, condition]), (effect, condition, {}))
        for resource in resources:
            grouped[resource] = in_order((*grouped.get(resource, ()), *heading.actions))
    allowed = [grouped for effect, _, grouped in found.values() if effect == "Allow"]
    for effect, condition, grouped in found.values():
        if is_only and effect == "Deny" and not _reaches_more(grouped, allowed):
            yield _Row(effect, condition, (_EVERY_ACTION,), tuple(grouped))
            continue
        for actions, together in _shared(grouped):
            yield _Row(effect, condition, actions, together)


def _shared(grouped: _Grouped) -> Iterator[tuple[tuple[Action, ...], tuple[str, ...]]]:
    """The actions and resources of each statement."""
    types: dict[str, dict[tuple[Action, ...], list[str]]] = {}
    for resource, actions in grouped.items():
        types.setdefault(RESOURCE_TYPES[actions[0]], {}).setdefault(actions, []).append(resource)
    ordered = [sorted(groups.items(), key=lambda group: -len(group[1])) for groups in types.values()]
    for index in range(max(map(len, ordered))):
        taken = [groups[index] for groups in ordered if index < len(groups)]
        actions = in_order(action for group, _ in taken for action in group)
        yield actions, tuple(resource for _, resources in taken for resource in resources)


def _reaches_more(denied: _Grouped, allowed: Iterable[_Grouped]) -> bool:
    """Whether a denial of all actions could reach an action that is allowed and was not denied."""
    return any(
        not {*others} <= {*actions} and _may_meet(resource, other)
        for resource, actions in denied.items()
        for grouped in allowed
        for other, others in grouped.items()
    )


def _may_meet(pattern: str, other: str) -> bool:
    """Whether two patterns may match the same text. If both have wildcards, what precedes the first ones says so."""
    mine, star, _ = pattern.partition("*")
    others, other_star, _ = other.partition("*")
    if star and other_star:
        return mine.startswith(others) or others.startswith(mine)
    return matcher(other)(pattern) if other_star else matcher(pattern)(other)


def _written(row: _Row, prefix: str, until: ConditionBlock) -> Mapping[str, object]:
    statement: dict[str, object] = {
        "Effect": row.effect,
        "Action": _list_or_text(row.actions),
        "Resource": _list_or_text([prefix + resource for resource in row.resources]),
    }
    condition = {**row.condition, **until}
    return {**statement, "Condition": condition} if condition else statement


def _list_or_text(texts: Iterable[str]) -> list[str] | str:
    found = list(texts)
    return found[0] if len(found) == 1 else found
