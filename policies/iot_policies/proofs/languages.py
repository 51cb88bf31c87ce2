"""Compares what policy statements allow with what a template means, action by action, for one principal.

1. Subscribe is about topic filters, Connect about client IDs, SendDirectMessage about a client ID and a topic, which is
   a condition on iot:Topic. All other actions are about topics.
2. *Too much*: the statements allow a topic that is in no entry, or in a denied filter.
3. *Lost*: a topic is in an entry, in nothing that a deny may deny, and the statements do not allow it. What a deny may
   deny beyond its filter is no difference: the reference says so.
4. A subscription is too much if it receives a topic of no entry with the same share name, or lies within a denied
   filter. It is lost if it lies within one entry. Filters that only several entries together contain may be allowed.
5. A CONNECT has any of LastWill and PersistentConnect. For each subset, the statements whose condition holds count.
6. Statements are read strictly. One that has another action, another type of resource or another condition than the
   compiler writes raises NotCovered.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

from iot_policies.actions import Action, Effect
from iot_policies.grants import ConnectAttribute
from iot_policies.packing import ConditionBlock, Statement
from iot_policies.proofs.automata import Automaton, Groups, Word, shortest, shortest_filter
from iot_policies.proofs.meaning import Meaning, Reach
from iot_policies.proofs.patterns import TO, NotCovered, Pattern, glob_pattern, message_levels

Attributes = frozenset[ConnectAttribute]
SUBSETS: tuple[Attributes, ...] = tuple(
    frozenset(chosen) for size in range(3) for chosen in combinations(get_args(ConnectAttribute), size)
)
"""What a CONNECT may ask for."""
ACTIONS: tuple[Action, ...] = get_args(Action)
TYPES: Mapping[Action, str] = {
    "iot:Connect": "client",
    "iot:Publish": "topic",
    "iot:RetainPublish": "topic",
    "iot:Receive": "topic",
    "iot:GetRetainedMessage": "topic",
    "iot:Subscribe": "topicfilter",
    "iot:SendDirectMessage": "client",
}


class Resource(NamedTuple):
    """A resource of a statement."""

    effect: Effect
    action: Action
    text: str
    """The part of the ARN behind its type, such as `rooms/*`; for direct messages with TO and a topic behind it."""
    subsets: frozenset[Attributes]
    """What a CONNECT may ask for so that the statement counts."""


ALL = frozenset(SUBSETS)


def resources_of(statements: Iterable[Statement]) -> tuple[Resource, ...]:
    """All resources of some statements. Raises NotCovered for what the compiler never writes."""
    found: dict[Resource, None] = {}
    for heading, names in statements:
        topics = _topics(heading.condition) if "iot:SendDirectMessage" in heading.actions else None
        subsets = _subsets(heading.condition) if topics is None else ALL
        is_alone = topics is None or heading.actions == ("iot:SendDirectMessage",)
        is_known = is_alone and heading.effect in get_args(Effect)
        for action in heading.actions:
            is_met = is_known and (subsets == ALL or action == "iot:Connect")
            for name in names:
                kind, _, text = name.partition("/")
                if not is_met or kind != TYPES.get(action) or TO in name:
                    raise NotCovered(f"unexpected statement: {heading.effect} {action} on {name}")
                for each in [text] if topics is None else [f"{text}{TO}{topic}" for topic in topics]:
                    found[Resource(heading.effect, action, each, subsets)] = None
    return tuple(found)


def _topics(condition: ConditionBlock | None) -> Sequence[str]:
    """The topics of a condition on `iot:Topic`. Raises NotCovered."""
    if condition is None or list(condition) != ["StringLike"] or list(condition["StringLike"]) != ["iot:Topic"]:
        raise NotCovered(f"unexpected condition of direct messages: {condition}")
    topics = condition["StringLike"]["iot:Topic"]
    if not topics or any(TO in topic for topic in topics):
        raise NotCovered(f"unexpected condition of direct messages: {condition}")
    return topics


def _subsets(condition: ConditionBlock | None) -> frozenset[Attributes]:
    """The subsets of attributes for which a condition on `iot:ConnectAttributes` holds. Raises NotCovered."""
    if condition is None:
        return ALL
    operator = next(iter(condition), "")
    if len(condition) != 1 or operator not in _OPERATORS or list(condition[operator]) != ["iot:ConnectAttributes"]:
        raise NotCovered(f"unexpected condition: {condition}")
    named = frozenset(condition[operator]["iot:ConnectAttributes"])
    if not named:  # unmeasured (check condition-without-values): what IoT Core does with a condition without values.
        raise NotCovered(f"unexpected condition: {condition}")
    return frozenset(asked for asked in SUBSETS if _OPERATORS[operator](asked, named))


_OPERATORS: Mapping[str, Callable[[frozenset[str], frozenset[str]], bool]] = {
    "ForAnyValue:StringEquals": lambda asked, named: bool(asked & named),
    "ForAllValues:StringEquals": lambda asked, named: asked <= named,
    "ForAllValues:StringNotEquals": lambda asked, named: not asked & named,
}


Kind = Literal["too much", "lost"]


class Difference(NamedTuple):
    """A topic, topic filter or client ID that shows that statements and meaning differ."""

    kind: Kind
    action: Action
    word: Word
    """What the statements allow or deny wrongly."""
    topic: Word | None = None
    """For a subscription that is too much: a topic that it receives."""
    attributes: Attributes = frozenset()
    """For a client ID: what the CONNECT asks for."""


class Languages:
    """Compares policies. It remembers comparisons, since many principals have alike policies."""

    def __init__(self) -> None:
        self._known: dict[object, Difference | None] = {}
        self.comparisons = 0
        """How many different comparisons needed a search."""
        self.states = 0
        """How many states their automata had."""

    def difference(self, resources: Sequence[Resource], meant: Meaning) -> Difference | None:
        """The first difference, with a shortest witness; None if there is none. Raises NotCovered."""
        return next(filter(None, (self._of(action, resources, meant) for action in ACTIONS)), None)

    def _of(self, action: Action, resources: Sequence[Resource], meant: Meaning) -> Difference | None:
        mine = [each for each in resources if each.action == action]
        allowed = [each for each in meant.allowed if each.action == action]
        denied = [each for each in meant.denied if each.action == action]
        for subset in SUBSETS if action == "iot:Connect" else SUBSETS[:1]:
            groups = _groups(
                [each for each in mine if subset in each.subsets],
                [each for each in allowed if subset in allowing(each)],
                [each for each in denied if subset in denying(each)],
            )
            found = self._compare(action, groups)
            if found is not None:
                return found._replace(attributes=subset)
        return None

    def _compare(self, action: Action, groups: Mapping[str, frozenset[Pattern]]) -> Difference | None:
        key = (action == "iot:Subscribe", tuple(groups.values()))
        if action != "iot:Subscribe" and _are_the_same(groups):
            return None
        if key not in self._known:
            self.comparisons += 1
            automaton = Automaton(groups)
            if action == "iot:Subscribe":
                received = Automaton({"may be allowed": groups["may be allowed"]})
                self._known[key] = _of_filters(automaton, received)
            else:
                self._known[key] = _of_topics(automaton)
            self.states += automaton.states
        found = self._known[key]
        return None if found is None else found._replace(action=action)


def allowing(reach: Reach) -> frozenset[Attributes]:
    """What a CONNECT may ask for so that an entry of a grant allows it."""
    attributes = reach.entry.attributes
    return ALL if attributes is None else frozenset(each for each in SUBSETS if each <= frozenset(attributes))


def denying(reach: Reach) -> frozenset[Attributes]:
    """What a CONNECT may ask for so that an entry of a deny denies it."""
    attributes = reach.entry.attributes
    return ALL if attributes is None else frozenset(each for each in SUBSETS if each & frozenset(attributes))


def _groups(
    resources: Iterable[Resource], allowed: Iterable[Reach], denied: Iterable[Reach]
) -> dict[str, frozenset[Pattern]]:
    resources, allowed, denied = list(resources), list(allowed), list(denied)
    return {
        "Allow": frozenset(resource_pattern(each.text) for each in resources if each.effect == "Allow"),
        "Deny": frozenset(resource_pattern(each.text) for each in resources if each.effect == "Deny"),
        "allowed": frozenset(each.least for each in allowed),
        "may be allowed": frozenset(each.most for each in allowed),
        "denied": frozenset(each.least for each in denied),
        "may be denied": frozenset(each.most for each in denied),
    }


def _are_the_same(groups: Mapping[str, frozenset[Pattern]]) -> bool:
    """Whether resources and entries are the same patterns: then they match the same texts."""
    return (
        groups["Allow"] == groups["allowed"] == groups["may be allowed"]
        and groups["Deny"] == groups["denied"] == groups["may be denied"]
    )


def resource_pattern(text: str) -> Pattern:
    """The pattern of a resource without its type. Raises NotCovered."""
    return glob_pattern(message_levels(text))


def _is_permitted(groups: Groups) -> bool:
    return "Allow" in groups and "Deny" not in groups


def _is_lost(groups: Groups) -> bool:
    return "allowed" in groups and "may be denied" not in groups and not _is_permitted(groups)


def _of_topics(automaton: Automaton) -> Difference | None:
    def is_too_much(found: Groups) -> bool:
        return _is_permitted(found) and ("may be allowed" not in found or "denied" in found)

    word = shortest(automaton, lambda found: is_too_much(found) or _is_lost(found))
    if word is None:
        return None
    return Difference("too much" if is_too_much(automaton.groups_of(word)) else "lost", "iot:Publish", word)


def _of_filters(filters: Automaton, topics: Automaton) -> Difference | None:
    def is_too_much(found: Groups, received: Groups) -> bool:
        return _is_permitted(found) and (not received or "denied" in found)

    pair = shortest_filter(filters, lambda found, received: is_too_much(found, received) or _is_lost(found), topics)
    if pair is None:
        return None
    if is_too_much(filters.groups_of(pair[0]), topics.groups_of(pair[1])):
        return Difference("too much", "iot:Subscribe", pair[0], pair[1])
    return Difference("lost", "iot:Subscribe", pair[0])
