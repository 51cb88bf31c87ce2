"""What is allowed in a template and still a mistake, said before a stranger finds it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import ne
from typing import Literal

from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry
from iot_policies.errors import PolicyTooLarge
from iot_policies.grants import Grant
from iot_policies.overlap import could_be_equal
from iot_policies.placeholders import PLACEHOLDER, placeholder_names, split_template
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, Levels, lead

MOST_LEVELS = 8
"""IoT Core takes 7 slashes in a topic, those of reserved prefixes not counted."""
LONGEST_TOPIC = 256
"""Bytes of UTF-8."""
TYPICAL_VALUE = 16
"""Characters of the values that the capacity is counted with."""

_SIDE_BY_SIDE = re.compile(r"\{[^{}]*\}[^/]*\{[^{}]*\}")
_EVERY_THING = re.compile(r"\$aws/(#|\+|things/(#|\+))")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to change, or a note to know."""

    severity: Literal["warning", "note"]
    location: tuple[str | int, ...]
    """Where it stands: `("grant", 0, "publish", 1)`; empty for the template as a whole."""
    message: str


def lint(template: PolicyTemplate) -> list[Finding]:
    """All findings: of entries, of pairs of them, of the template as a whole."""
    findings = [finding for entry in template.entries for finding in _of_entry(entry)]
    findings += _of_pairs([entry for entry in template.entries if entry.effect == "Allow"])
    findings += _of_connect(template)
    findings += _of_claims(template)
    if any(entry.effect == "Allow" for entry in template.entries):
        findings += (Finding("note", (), message) for message in _capacity(template))
    return findings


def _of_entry(entry: Entry) -> Iterator[Finding]:
    def warning(message: str) -> Finding:
        return Finding("warning", entry.location, f'"{entry.text}" {message}')

    levels = split_template(entry.text)
    if _SIDE_BY_SIDE.search(entry.text):
        yield warning("holds two placeholders in one level: a-b and c, or a and b-c, would meet there; put a / between")
    if entry.key == "connect":
        return
    if entry.effect == "Deny":
        yield from _of_denial(entry, levels)
        return
    if _EVERY_THING.match(entry.text):
        yield warning("covers every thing of the account: write {principal} in the thing's place")
    elif levels[0].startswith("$") and levels[0] not in ("$aws", "$share"):
        yield warning("starts with $, which IoT Core reserves: nobody can publish there")
    levels = levels[lead(levels) :]
    if len(levels) > MOST_LEVELS and levels[0] != "$aws":
        yield warning("has more than 7 slashes: IoT Core takes no such topic")
    if len(PLACEHOLDER.sub("", entry.text).encode()) > LONGEST_TOPIC:
        yield warning("is longer than 256 bytes: IoT Core takes no such topic")


def _of_denial(entry: Entry, levels: Levels) -> Iterator[Finding]:
    if missing := [name for name in placeholder_names(entry.text) if name != "principal"]:
        yield Finding("note", entry.location, f'"{entry.text}" denies nothing where {missing[0]} is missing')
    if PLUS in levels:
        message = f'"{entry.text}" also denies deeper levels: no IoT policy can deny a single level alone'
        yield Finding("warning", entry.location, message)


def _of_pairs(entries: Sequence[Entry]) -> Iterator[Finding]:
    levels = [(entry, entry.key == "connect", _parts(entry)) for entry in entries]
    for (entry, connects, mine), (other, other_connects, others) in combinations(levels, 2):
        if connects != other_connects:
            continue
        for literal, placeholder, name in (
            (entry, other, _shared_name(mine, others)),
            (other, entry, _shared_name(others, mine)),
        ):
            if name is not None:
                message = f'"{literal.text}" is also what {placeholder} becomes for a value named "{name}"'
                yield Finding("warning", literal.location, f"{message}: give one of them a level of its own")


def _parts(entry: Entry) -> Levels:
    levels = split_template(entry.text)
    if entry.key == "connect":
        return tuple(PLUS if level == "*" else level for level in levels)
    return levels[lead(levels) :]


def _shared_name(literal: Levels, other: Levels) -> str | None:
    """The literal level that stands where the other entry has a placeholder, if topics of both can be the same."""
    name: str | None = None
    for level, partner in zip(literal, other, strict=False):
        if HASH in (level, partner):
            return name
        if PLUS in (level, partner) or level == partner:
            continue
        if not could_be_equal(level, partner):
            return None
        if "{" not in level:
            name = level
    return name if len(literal) == len(other) else None


def _of_connect(template: PolicyTemplate) -> Iterator[Finding]:
    connects = [entry for entry in template.entries if entry.key == "connect" and entry.effect == "Allow"]
    if not connects:
        yield Finding("warning", (), "no grant has connect: no client can connect with MQTT")
    for entry in connects:
        names = placeholder_names(entry.text)
        if "principal" not in names:
            message = f'"{entry.text}" is not bound to the principal: whoever connects with it throws off who has it'
            yield Finding("warning", entry.location, f"{message}; write {{principal}} or {{principal}}/*")
    deep = any("/" in PLACEHOLDER.sub("", entry.text) for entry in connects)
    for entry in template.entries:
        if deep and entry.key != "connect" and "client_id" in placeholder_names(entry.text):
            message = (
                f'"{entry.text}" needs client IDs that are one level: those that connect allows with a / are refused'
            )
            yield Finding("warning", entry.location, message)


def _of_claims(template: PolicyTemplate) -> Iterator[Finding]:
    """Claims whose names are so alike that one of them may be a mistake; where the first of them stands."""
    places: dict[str, tuple[str | int, ...]] = {}
    for entry in template.entries:
        for name in placeholder_names(entry.text):
            if name.startswith("claims."):
                places.setdefault(name.removeprefix("claims."), entry.location)
        for name in entry.block.when or {}:
            places.setdefault(name, (*entry.block_location, "when"))
    for first, second in combinations(places, 2):
        if _is_one_typo(first, second):
            message = f"the claims {first} and {second} differ by one typo: is one of them meant to be the other?"
            yield Finding("warning", places[second], message)


def _is_one_typo(one: str, other: str) -> bool:
    """Whether a letter more or less, another letter, or two in the other order make one name the other.

    Names that differ in their last sign alone, as group1 and group2, are meant as they are.
    """
    if len(one) == len(other):
        swapped = {f"{one[:index]}{one[index : index + 2][::-1]}{one[index + 2 :]}" for index in range(len(one))}
        changed = sum(map(ne, one, other))
        return other in swapped or (changed == 1 and one[-1] == other[-1])
    return one in _shortened(other) or other in _shortened(one)


def _shortened(name: str) -> set[str]:
    return {name[:index] + name[index + 1 :] for index in range(len(name))}


def _capacity(template: PolicyTemplate) -> Iterator[str]:
    everything = PolicyTemplate.of([block.model_copy(update={"when": None}) for block in template.blocks])
    names = dict.fromkeys(name for entry in template.entries for name in placeholder_names(entry.text))
    claims = [name.removeprefix("claims.") for name in names if name.startswith("claims.")]
    for name in claims:
        count = _fitting(everything, name, claims)
        least = "" if count < _MOST else "at least "
        yield f"a policy has room for {least}{count} values of claims.{name}, each of {TYPICAL_VALUE} characters"
    for index, block in enumerate(template.blocks):
        if isinstance(block, Grant) and block.widen:
            yield f"grant[{index}] says widen = true: where a + can't be told apart it allows deeper levels"


_MOST = 1024


def _fitting(everything: PolicyTemplate, name: str, claims: Sequence[str]) -> int:
    """How many values of one list claim fit, where all else is single and every grant applies."""
    others = dict.fromkeys(claims, "x" * TYPICAL_VALUE)
    least, most = 0, _MOST
    while least < most:
        count = (least + most + 1) // 2
        values = [str(number).rjust(TYPICAL_VALUE, "x") for number in range(count)]
        principal = Principal("x" * TYPICAL_VALUE, {**others, name: values})
        try:
            compile_policy(everything, principal, "x" * TYPICAL_VALUE).documents(region="us-east-1", account="1" * 12)
            least = count
        except PolicyTooLarge:
            most = count - 1
    return least
