"""Finds the entries that come nearest to allowing a refused action, and says what each lacks.

- An entry is compared with what was asked, level by level. Each difference has a cost: a condition or a value that is
  missing or different costs less than a word that is different, and a word with a typo less than another word.
- An entry of another key is near, too: it lacks the key that was asked for, besides what else is different.
- `$share/NAME/` in front of a topic filter is one difference. What follows it is compared with what follows.
- The entries with the lowest cost are the nearest. An entry that costs too much has nothing to do with the question.
- Client IDs have no levels: the answer is a list of those that are granted. The receiver of a direct message is one
  difference.
- Values are quoted. This runs on the user's machine, never in Lambda.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from iot_policies.actions import Action
from iot_policies.entries import Entry, Rule
from iot_policies.errors import PolicyError, UnclearDenial, UnsafeValue
from iot_policies.grants import Deny, Grant
from iot_policies.placeholders import Values, as_format, placeholder_names
from iot_policies.principal import Claims, Principal, read_claim
from iot_policies.template import PolicyTemplate
from iot_policies.topic_prefix import below
from iot_policies.topics import HASH, PLUS, TO, Levels, as_written, joined, lead, split, split_message
from iot_policies.when import condition_text
from iot_policies.wildcards import matcher

_MOST = 3
"""Entries and values that are named."""
_SMALL, _TYPO, _SHAPE, _OTHER, _FAR = 1, 2, 3, 4, 5
"""The cost of a condition or value, of a word that is alike, of too few or too many levels, and of another word.

An entry that costs as much as the last one, such as one with another first word, is not near.
"""
_ALIKE = 0.6
"""The similarity from which a word may be a typo, from 0 to 1: that of `difflib.get_close_matches`."""

_OTHER_KEYS: Mapping[Action, tuple[tuple[Action, str, str], ...]] = {
    "iot:RetainPublish": (
        ("iot:Publish", "publish", "allows it only without RETAIN; list it under retain"),
        ("iot:Receive", "subscribe", "only allows to subscribe to it; list it under retain"),
    ),
    "iot:Publish": (("iot:Receive", "subscribe", "only allows to subscribe to it; list it under publish"),),
    "iot:Subscribe": (
        ("iot:Publish", "publish retain", "only allows to publish to it; list it under subscribe"),
        ("iot:Receive", "receive", "only allows to receive direct messages on it; list it under subscribe"),
    ),
    "iot:Receive": (("iot:Publish", "publish retain", "only allows to publish to it; list it under subscribe"),),
    "iot:GetRetainedMessage": (
        ("iot:Receive", "subscribe", "only allows to subscribe to it; list it under read"),
        ("iot:Publish", "retain", "only allows to publish to it; list it under read"),
    ),
    "iot:SendDirectMessage": (),
}
"""For each action those that are mistaken for it, the keys that grant them, and what to do."""


class _Difference(NamedTuple):
    cost: int
    text: str


def nearest(
    template: PolicyTemplate, principal: Principal, action: Action, resource: str, values: Values
) -> tuple[str, ...]:
    """What the nearest entries lack, one text for each; a single text if no entry is near."""
    if action == "iot:Connect":
        return (*_nearest_client_ids(template, principal, resource, values),)
    prefix, levels = template.topic_prefix, _levels_of(action, resource)
    prefixed = below(prefix, levels)
    if prefix and prefixed != levels and levels[lead(levels) :][: len(split(prefix))] != split(prefix):
        return (f"each topic begins with the topic_prefix {prefix}: did you mean {as_written(joined(prefixed))}?",)
    near: dict[str, int] = {}
    for entry in template.entries:
        differences = _differences(entry, action, resource, principal.claims, values)
        cost = sum(each.cost for each in differences)
        if differences and cost < _FAR:
            near[f"{entry}: {'; '.join(each.text for each in differences)}"] = cost
    least = min(near.values(), default=0)
    return (*[text for text, cost in near.items() if cost == least][:_MOST],) or ("no entry covers it",)


def unmet(block: Grant | Deny, claims: Claims) -> str | None:
    """The conditions that claims do not meet, in words; None if they meet them all. Raises PolicyError."""
    found = [
        f"{condition_text(name, wanted)}, but {name} is {shown(read_claim(claims, name))}"
        for name, wanted in block.unmet(claims).items()
    ]
    return f"needs {'; '.join(found)}" if found else None


def missing_values(entry: Entry, values: Values) -> str | None:
    """The placeholders of an entry that have no value, in words; None if all have one. Raises PolicyError."""
    found = values.missing(entry.rules[0].names)
    return f"{' and '.join(found)} is missing" if found else None


def _differences(entry: Entry, action: Action, resource: str, claims: Claims, values: Values) -> Sequence[_Difference]:
    """What keeps an entry from allowing an action; nothing if it is a deny, or not comparable."""
    if entry.effect == "Deny":
        return ()
    lacks = _lacks(entry, claims, values)
    condition = [] if lacks is None else [_Difference(_SMALL, lacks)]
    rules = {rule.action: rule for rule in entry.rules}
    if action in rules:
        return (*condition, *_of_levels(rules[action], _levels_of(action, resource), _noun(action), values))
    for mistaken, keys, advice in _OTHER_KEYS[action]:
        if entry.key in keys.split():
            found = _of_levels(rules[mistaken], split(resource), _noun(action), values)
            return (*condition, *found, _Difference(_TYPO, advice))
    return ()


def _lacks(entry: Entry, claims: Claims, values: Values) -> str | None:
    """Why an entry does not apply to a principal with these claims; None if it does."""
    try:
        return unmet(entry.block, claims)
    except PolicyError as error:
        return problem(error, values)


def _levels_of(action: Action, resource: str) -> Levels:
    return split_message(resource) if action == "iot:SendDirectMessage" else split(resource)


def _noun(action: Action) -> str:
    return "topic filter" if action == "iot:Subscribe" else "topic"


def _of_levels(rule: Rule, asked: Levels, noun: str, values: Values) -> Iterator[_Difference]:
    """The differences between the levels of a rule and those of a topic or topic filter."""
    start, first = lead(rule.levels), lead(asked)
    receiver = asked[1] if asked[0] == TO else None
    if start == first and receiver is None:
        start = first = 0  # Both are shared, or none is: the names of the groups are compared, too.
    elif receiver is None:
        yield _Difference(_TYPO, _of_sharing(rule.levels[:start], asked[:first]))
    levels, asked = rule.levels[start:], asked[first:]
    at = lead(levels)
    if levels[at] in (PLUS, HASH) and asked[lead(asked)].startswith("$"):
        yield _Difference(_TYPO, "a leading wildcard does not match topics that start with $")
        return
    found = [] if receiver is None else [*_of_receiver(rule, receiver, values)]
    found += _of_pairs(levels, asked, noun, values)
    is_open = levels[-1] == HASH
    if (len(asked) > len(levels) and not is_open) or (len(asked) < len(levels) and asked[-1] != HASH):
        least = "at least " if is_open else ""
        found.append(_Difference(_SHAPE, f"has {least}{len(levels)} levels, the {noun} has {len(asked)}"))
    elif not found and not _fits_at_once(rule, start, asked, values, receiver):
        found.append(_Difference(_SMALL, f"needs the same {' and '.join(rule.names)} at each place"))
    yield from found


def _of_receiver(rule: Rule, asked: str, values: Values) -> Iterator[_Difference]:
    """The difference between the receiver of a direct message and those that a rule allows."""
    try:
        combinations = values.combinations(rule.names)
    except PolicyError as error:
        yield _Difference(_SMALL, problem(error, values))
        return
    granted = [*dict.fromkeys(rule.level_formats[1].format(*each) for each in combinations)]
    if granted and not any(matcher(each)(asked) for each in granted):
        yield _Difference(_SMALL, f'allows the receiver {choice(granted)}, not "{asked}"')
    yield from (_Difference(_SMALL, f"{name} is missing") for name in values.missing(rule.names))


def _of_sharing(granted: Levels, asked: Levels) -> str:
    """One of both is `$share/NAME`, the other one is empty."""
    if granted:
        shared = "/".join(granted)
        return f"allows it only as a shared subscription, with {shared}/ in front: list it without that, too"
    return f"allows it only without {'/'.join(asked)}/ in front: list it with that, too"


def _of_pairs(levels: Levels, asked: Levels, noun: str, values: Values) -> Iterator[_Difference]:
    for index, (level, wanted) in enumerate(zip(levels, asked, strict=False)):
        if level == HASH:
            return
        names = placeholder_names(level)
        if wanted == HASH or (wanted == PLUS and level != PLUS):
            yield _Difference(_TYPO, f'the {noun} has {wanted} where the entry has "{level}"')
        elif names:
            yield from _of_placeholders(level, names, wanted, noun, values)
        elif level not in (PLUS, wanted):
            is_typo = SequenceMatcher(None, level.casefold(), wanted.casefold()).ratio() >= _ALIKE
            cost = _TYPO if is_typo else _OTHER if index else _FAR
            yield _Difference(cost, f'has "{level}" where the {noun} has "{wanted}"')


def _of_placeholders(
    level: str, names: tuple[str, ...], wanted: str, noun: str, values: Values
) -> Iterator[_Difference]:
    """The differences between a level with placeholders and the level of a topic."""
    try:
        combinations = values.combinations(names)
    except PolicyError as error:
        yield _Difference(_SMALL, problem(error, values))
        return
    if not combinations:
        yield from (_Difference(_SMALL, f"{name} is missing") for name in values.missing(names))
        return
    pattern = as_format(level, names)
    filled = [pattern.format(*combination) for combination in combinations]
    if wanted not in filled:
        name = names[0] if level == f"{{{names[0]}}}" else f'"{level}"'
        yield _Difference(_SMALL, f'{name} is {choice(filled)}, the {noun} needs "{wanted}"')


def _fits_at_once(rule: Rule, start: int, asked: Levels, values: Values, receiver: str | None) -> bool:
    """Whether one combination of values fits all levels from `start`; also True if there are too many to tell.

    `receiver` is that of a direct message, which must fit, too.
    """
    try:
        combinations = values.combinations(rule.names)
    except PolicyError:
        return True
    return any(
        all(
            level in (PLUS, HASH) or text.format(*combination) == wanted
            for level, text, wanted in zip(rule.levels[start:], rule.level_formats[start:], asked, strict=False)
        )
        for combination in combinations
        if receiver is None or matcher(rule.level_formats[1].format(*combination))(receiver)
    )


def problem(error: PolicyError, values: Values) -> str:
    """Why a principal gets no policy, with its reason code and the value."""
    value = f": it is {shown(values.found(error.source))}" if isinstance(error, (UnsafeValue, UnclearDenial)) else ""
    return f"{error.reason}: {error}{value}"


def _nearest_client_ids(
    template: PolicyTemplate, principal: Principal, client_id: str, values: Values
) -> Iterator[str]:
    """The client IDs that are granted, and what the others that would fit lack."""
    granted: dict[str, None] = {}
    for entry in template.entries:
        if entry.key != "connect" or entry.effect == "Deny":
            continue
        names = placeholder_names(entry.text)
        try:
            combinations = values.combinations(names)
        except PolicyError as error:
            yield f"{entry}: {problem(error, values)}"
            continue
        filled = [as_format(entry.text, names).format(*combination) for combination in combinations]
        lacks = _lacks(entry, principal.claims, values)
        if lacks is None:
            granted |= dict.fromkeys(filled)
            if missing := missing_values(entry, values):
                yield f"{entry}: {missing}"
        elif any(text == client_id or (text[-1] == "*" and client_id.startswith(text[:-1])) for text in filled):
            yield f"{entry}: {lacks}"
    yield f"granted client IDs: {choice([*granted])}" if granted else "no client ID is granted"


def choice(texts: Sequence[str]) -> str:
    """Quoted texts, joined by `or`; only the first few."""
    more = [f"{len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return " or ".join([*map(shown, texts[:_MOST]), *more])


def shown(value: object) -> str:
    """A value as JSON, shortened; `missing` for None."""
    if value is None:
        return "missing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:80]}…"
