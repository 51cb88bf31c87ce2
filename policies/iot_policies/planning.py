"""Prepares the statements of a template once, for all principals: which resources belong to which statement."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from iot_policies.actions import Action, Effect, in_order
from iot_policies.entries import Entry, Rule
from iot_policies.grants import ConnectAttribute
from iot_policies.packing import ConditionBlock, Heading
from iot_policies.policy_plan import Part, PlannedContainer, StatementPlan
from iot_policies.topics import HASH, PLUS

_Attributes = tuple[ConnectAttribute, ...] | None


class Container(NamedTuple):
    """A rule that can contain another rule."""

    block: int
    """The index of its grant in the template's blocks."""
    rule: Rule


class _Pattern(NamedTuple):
    effect: Effect
    attributes: _Attributes
    block: int
    names: tuple[str, ...]
    text: str
    rule: Rule | None
    """The rule that the pattern comes from, if other rules can contain it; else None."""


def plan(entries: Iterable[Entry], containers: Mapping[Rule, Sequence[Container]]) -> tuple[StatementPlan, ...]:
    """Groups the resources of entries into statements by effect, connect attributes and actions."""
    patterns: dict[_Pattern, tuple[Action, ...]] = {}
    for entry in entries:
        for rule in entry.rules:
            whole = rule if rule in containers else None
            _add(
                patterns,
                _Pattern(entry.effect, entry.attributes, entry.block_index, rule.names, rule.allowed, whole),
                rule,
            )
            for text in rule.denied:
                _add(patterns, _Pattern("Deny", None, entry.block_index, rule.names, text, whole), rule)
    statements: dict[tuple[Effect, _Attributes, tuple[Action, ...]], dict[tuple[object, ...], list[_Pattern]]] = {}
    for pattern, actions in patterns.items():
        parts = statements.setdefault((pattern.effect, pattern.attributes, actions), {})
        parts.setdefault((pattern.block, pattern.names, pattern.rule), []).append(pattern)
    return tuple(
        StatementPlan(
            Heading(effect, actions, _condition(effect, attributes)),
            tuple(_part(alike, containers) for alike in parts.values()),
        )
        for (effect, attributes, actions), parts in statements.items()
    )


def _add(patterns: dict[_Pattern, tuple[Action, ...]], pattern: _Pattern, rule: Rule) -> None:
    patterns[pattern] = in_order((*patterns.get(pattern, ()), rule.action))


def _part(patterns: Sequence[_Pattern], containers: Mapping[Rule, Sequence[Container]]) -> Part:
    first = patterns[0]
    planned = () if first.rule is None else tuple(_planned(first.rule, each) for each in containers[first.rule])
    return Part(first.block, first.names, tuple(pattern.text for pattern in patterns), planned)


def _planned(contained: Rule, container: Container) -> PlannedContainer:
    block, rule = container
    fixed = [index for index, level in enumerate(rule.levels) if level not in (PLUS, HASH)]
    levels, its = (tuple(each.level_formats[index] for index in fixed) for each in (rule, contained))
    return PlannedContainer(block, rule.names, levels, its)


def _condition(effect: Effect, attributes: _Attributes) -> ConditionBlock | None:
    """The condition on `iot:ConnectAttributes` (developer guide, "Connect policy examples")."""
    if attributes is None:
        return None
    if effect == "Deny":
        return {"ForAnyValue:StringEquals": {"iot:ConnectAttributes": list(attributes)}}
    if attributes:
        return {"ForAllValues:StringEquals": {"iot:ConnectAttributes": list(attributes)}}
    return {"ForAllValues:StringNotEquals": {"iot:ConnectAttributes": ["LastWill", "PersistentConnect"]}}
