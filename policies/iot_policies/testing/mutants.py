"""Mutants of a template: templates with one mistake in them. A test that notices the mistake kills the mutant.

1. An entry is *removed*, or *widened*: a level with a placeholder, or a literal level behind the first, becomes `+`,
   and a last level that is literal or `+` becomes `#`. Each is the smallest mistake of its kind: a test that notices it
   also notices larger ones. The literal levels of reserved topics, `$aws/…`, are AWS's, except the last one.
2. In a client ID, also that of a direct message's receiver, a placeholder becomes `*`, and a `*` follows the end, or
   takes the place of a final `/*`.
3. A grant or deny loses one condition of its `when`, one value of a condition with several, or its `connect_with`.
4. What makes no difference is left out: without `rooms = "*"`, an entry with `{claims.rooms}` is the same, and so is an
   entry that is widened within another one of its grant, or of a grant without `when`, or only by too long topics.
5. Mutants are not compiled, since no IoT policy can express many of them: their entries answer (`asked_question.py`).
   A client that the authorizer refuses kills no mutant.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from iot_policies.actions import Action
from iot_policies.entries import Entry, quoted, with_prefix
from iot_policies.grants import ConnectAttribute, Deny, Grant
from iot_policies.linter import MOST_LEVELS
from iot_policies.placeholders import claim_names, placeholder_names, split_template
from iot_policies.template import PolicyTemplate
from iot_policies.testing.asked_question import AskedQuestion, entries_allow
from iot_policies.topics import HASH, PLUS, TO, Levels, contains, joined, lead
from iot_policies.when import Scalar, choices, condition_text


@dataclass(frozen=True, slots=True, eq=False)
class Mutant(ABC):
    """A template with one mistake."""

    entries: tuple[Entry, ...]
    """The entries that it changes."""

    @property
    def location(self) -> tuple[str | int, ...]:
        """The place of the mistake in the template's file."""
        return self.entries[0].location

    @abstractmethod
    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether one of these entries, with the mistake, covers a question."""

    def allows(self, asked: AskedQuestion) -> bool:
        """Whether the template with the mistake allows a question."""
        return self._entries_allow(asked) and not asked.is_refused

    def is_killed_by(self, asked: AskedQuestion) -> bool:
        """Whether a question gets another answer than from the template without the mistake."""
        return self._entries_allow(asked) is not entries_allow(asked.covering.values()) and not asked.is_refused

    def _entries_allow(self, asked: AskedQuestion) -> bool:
        return entries_allow(
            before.difference(self.entries) | {entry for entry in self.entries if self.covers(entry, action, asked)}
            for action, before in asked.covering.items()
        )

    @abstractmethod
    def __str__(self) -> str:
        """What is changed, in words."""


class Removed(Mutant):
    """An entry is removed."""

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def __str__(self) -> str:
        return f"{self.entries[0]}: removed"


@dataclass(frozen=True, slots=True, eq=False)
class Widened(Mutant):
    """An entry is wider."""

    text: str
    """Its text, without the topic prefix."""
    filter: str
    """Its text with the topic prefix; for a client ID the text itself."""

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether the entry covers it as it is, or with the wider text."""
        has_action = any(rule.action == action for rule in entry.rules)
        could = has_action and asked.applies(entry.block) and asked.fits_attributes(entry)
        return could and (asked.fits(entry, action) or asked.fits_text(entry, self.filter))

    def __str__(self) -> str:
        return f"{self.entries[0]}: widened to {quoted(self.text)}"


@dataclass(frozen=True, slots=True, eq=False)
class Unconditional(Mutant):
    """A grant or deny without one condition of its `when`."""

    claim: str

    @property
    def location(self) -> tuple[str | int, ...]:
        """The place of the conditions."""
        return (*self.entries[0].block_location, "when")

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether an entry covers it if only the other conditions are asked."""
        return asked.applies(entry.block, self.claim) and asked.fits_attributes(entry) and asked.fits(entry, action)

    def __str__(self) -> str:
        first = self.entries[0]
        condition = condition_text(self.claim, (first.block.when or {})[self.claim])
        return f"{first.block_name}: without the condition {condition}"


@dataclass(frozen=True, slots=True, eq=False)
class WithoutValue(Mutant):
    """A grant or deny without one of several values of a condition."""

    claim: str
    value: Scalar
    block: Grant | Deny
    """The grant or deny without the value."""

    @property
    def location(self) -> tuple[str | int, ...]:
        """The place of the conditions."""
        return (*self.entries[0].block_location, "when")

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether an entry covers it for the other values."""
        return asked.applies(self.block) and asked.fits_attributes(entry) and asked.fits(entry, action)

    def __str__(self) -> str:
        return f"{self.entries[0].block_name}: without the value {condition_text(self.claim, self.value)}"


class WithoutConnectWith(Mutant):
    """A grant or deny without `connect_with`."""

    @property
    def location(self) -> tuple[str | int, ...]:
        """The place of the connect attributes."""
        return (*self.entries[0].block_location, "connect_with")

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether an entry covers it with any connect attributes."""
        return asked.applies(entry.block) and asked.fits(entry, action)

    def __str__(self) -> str:
        return f"{self.entries[0].block_name}: without connect_with"


def mutants(template: PolicyTemplate) -> Iterator[Mutant]:
    """All mutants of a template, in the order of its entries."""
    for entry in template.entries:
        yield Removed((entry,))
        yield from widened(template, entry)
    for index in range(len(template.blocks)):
        entries = tuple(entry for entry in template.entries if entry.block_index == index)
        yield from (*unconditional(entries), *_without_values(entries))


def widened(template: PolicyTemplate, entry: Entry) -> Iterator[Mutant]:
    """The mutants in which an entry is wider."""
    texts = _wider_client_ids(entry.text) if entry.key == "connect" else _wider_filters(entry.text)
    for text in dict.fromkeys(texts):
        whole = with_prefix(text, entry.key, template.topic_prefix)
        too_deep = _is_only_deeper(split_template(entry.filter), split_template(whole))
        if (
            text != entry.text
            and not too_deep
            and not any(_allows_all(each, entry, whole) for each in template.entries)
        ):
            yield Widened((entry,), text, whole)


def _is_only_deeper(levels: Levels, wider: Levels) -> bool:
    """Whether filters differ only for topics with more levels than IoT Core accepts."""
    return levels[-1] == PLUS and wider[-1] == HASH and len(levels) - lead(levels) >= MOST_LEVELS


def unconditional(entries: Sequence[Entry]) -> Iterator[Mutant]:
    """The mutants in which some entries of one grant or deny have a condition less."""
    for name, wanted in (entries[0].block.when or {}).items() if entries else ():
        changed = tuple(each for each in entries if wanted != "*" or name not in claim_names(each.text))
        if changed:
            yield Unconditional(changed, name)
    if restricted := tuple(each for each in entries if each.attributes is not None and _names_less(each)):
        yield WithoutConnectWith(restricted)


def _without_values(entries: Sequence[Entry]) -> Iterator[Mutant]:
    """The mutants in which a condition of a grant or deny, which has these entries, has a value less."""
    when = (entries[0].block.when if entries else None) or {}
    for name, wanted in when.items():
        values = choices(wanted)
        for value in values if len(values) > 1 else ():
            rest = tuple(each for each in values if each is not value)
            block = entries[0].block.model_copy(update={"when": {**when, name: rest}})
            yield WithoutValue((*entries,), name, value, block)


def _names_less(entry: Entry) -> bool:
    """Whether an entry would say more without `connect_with`."""
    return entry.effect == "Deny" or {*get_args(ConnectAttribute)} > {*(entry.attributes or ())}


def _allows_all(other: Entry, entry: Entry, text: str) -> bool:
    """Whether another entry covers a filter of an entry's grant or deny for each principal that has the entry."""
    is_there = other.block_index == entry.block_index or other.block.when is None
    has_actions = {rule.action for rule in other.rules} >= {rule.action for rule in entry.rules}
    return (
        other is not entry
        and other.effect == entry.effect
        and entry.key != "connect"
        and is_there
        and has_actions
        and contains(split_template(other.filter), split_template(text))
    )


def _wider_filters(text: str) -> Iterator[str]:
    levels = split_template(text)
    start = lead(levels)
    if levels[0] == TO:
        yield from (joined((TO, wider, *levels[2:])) for wider in _wider_client_ids(levels[1]))
    end = len(levels) - (levels[-1] == HASH)
    for index in range(start, end):
        level = levels[index]
        if "{" in level:
            yield _with_level(levels, index, PLUS)
        elif index == end - 1:
            yield joined((*levels[:index], HASH))
        elif level != PLUS and index > start and not levels[start].startswith("$"):
            yield _with_level(levels, index, PLUS)


def _with_level(levels: Levels, index: int, level: str) -> str:
    return joined((*levels[:index], level, *levels[index + 1 :]))


def _wider_client_ids(text: str) -> Iterator[str]:
    """Client IDs with more stars. `{client_id}` is any client ID already."""
    for name in placeholder_names(text):
        if name != "client_id":
            yield text.replace(f"{{{name}}}", "*")
    stem = text.removesuffix("*").removesuffix("/")
    if not stem.endswith("{client_id}"):
        yield f"{stem}*"
