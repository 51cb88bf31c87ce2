"""Mutants of a template: templates with one mistake in them. A test that notices the mistake kills the mutant.

1. An entry is *removed*, or *widened*: a level with a placeholder, or a literal level behind the first, becomes `+`,
   and a last level that is literal or `+` becomes `#`. Each is the smallest mistake of its kind: a test that notices it
   also notices larger ones. The literal levels of reserved topics, `$aws/…`, are AWS's, except the last one.
2. In a client ID, a placeholder becomes `*`, and a `*` follows the end, or takes the place of a final `/*`.
3. A grant or deny loses one condition of its `when`, or its `connect_with`.
4. What makes no difference is left out: without `rooms = "*"`, an entry with `{claims.rooms}` is the same, and so is an
   entry that is widened within another one of its grant, or of a grant without `when`.
5. Mutants are not compiled, since no IoT policy can express many of them. Their entries answer: a question is allowed
   if entries of grants cover it, and no entry of a deny. For the template itself, its policies say the same.
6. A client that the authorizer refuses, such as one with an unsafe value, kills no mutant.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.compiler import compile_policy
from iot_policies.entries import Action, Entry, filled_by, with_prefix
from iot_policies.errors import NothingGranted, PolicyError
from iot_policies.explaining import ACTIONS, Question, entry_covers
from iot_policies.grants import ConnectAttribute
from iot_policies.placeholders import (
    Values,
    as_format,
    claim_names,
    placeholder_names,
    split_template,
)
from iot_policies.template import PolicyTemplate
from iot_policies.template_tests import ClientOfTest
from iot_policies.topics import HASH, PLUS, Levels, contains, lead, split
from iot_policies.when import condition_text
from iot_policies.wildcards import matcher


class AskedQuestion:
    """A question of a client, and the entries that cover it."""

    def __init__(self, template: PolicyTemplate, client: ClientOfTest, question: Question, resource: str) -> None:
        """`resource` has the topic prefix."""
        self._template = template
        self._client = client
        self._client_id = resource if question == "connect" else client.client_id
        self._values = Values(client.principal, self._client_id)
        self.question: Question = question
        self.resource = resource
        self.covering = {
            action: frozenset(entry for entry in template.entries if self.is_covered_by(entry, action))
            for action in ACTIONS[question]
        }
        """The entries that cover it, for each of the question's actions."""

    @cached_property
    def is_refused(self) -> bool:
        """Whether the authorizer refuses the client, for another reason than that nothing is granted."""
        try:
            compile_policy(self._template, self._client.principal, self._client_id).documents(EXAMPLE_PLACE)
        except NothingGranted:
            return False
        except PolicyError:
            return True
        return False

    def allows(self, mutant: "Mutant | None" = None) -> bool:
        """Whether the template allows it, or a mutant of the template."""
        return self._entries_allow(mutant) and not self.is_refused

    def kills(self, mutant: "Mutant") -> bool:
        """Whether a mutant gives another answer than the template."""
        return self._entries_allow(mutant) is not self._entries_allow(None) and not self.is_refused

    def _entries_allow(self, mutant: "Mutant | None") -> bool:
        changed = () if mutant is None else mutant.entries
        for action, before in self.covering.items():
            after = before.difference(changed)
            if mutant is not None:
                after |= {entry for entry in changed if mutant.covers(entry, action, self)}
            if {entry.effect for entry in after} != {"Allow"}:
                return False
        return True

    def is_covered_by(self, entry: Entry, action: Action) -> bool:
        """Whether an entry of the template covers it."""
        return self.applies(entry) and self.fits_attributes(entry) and self.fits(entry, action)

    def applies(self, entry: Entry, without: str | None = None) -> bool:
        """Whether the client meets the conditions of an entry's grant or deny; one of them can be left out."""
        try:
            return not entry.block.unmet(self._client.principal.claims).keys() - {without}
        except PolicyError:
            return False

    def fits_attributes(self, entry: Entry) -> bool:
        """Whether the entry is for the connect attributes that the client asks for."""
        if entry.attributes is None:
            return True
        asked, named = self._client.attributes, {*entry.attributes}
        return asked <= named if entry.effect == "Allow" else bool(asked & named)

    def fits(self, entry: Entry, action: Action) -> bool:
        """Whether the text of an entry covers it, whatever its conditions say."""
        try:
            return entry_covers(entry, action, self.resource, self._values)
        except PolicyError:
            return False

    def fits_text(self, entry: Entry, text: str) -> bool:
        """Whether an entry would cover it with another text: a topic filter, or a client ID with any `*`."""
        names = placeholder_names(text)
        try:
            combinations = self._values.combinations(filled_by(names, entry.effect))
        except PolicyError:
            return False
        if entry.key == "connect":
            pattern = as_format(text, names)
            return any(matcher(pattern.format(*each))(self.resource) for each in combinations)
        formats = [as_format(level, names) for level in split_template(text)]
        if self.question == "receive":
            formats = formats[lead((*formats,)) :]
        asked = split(self.resource)
        return any(contains((*(each.format(*values) for each in formats),), asked) for values in combinations)


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
        could = has_action and asked.applies(entry) and asked.fits_attributes(entry)
        return could and (asked.fits(entry, action) or asked.fits_text(entry, self.filter))

    def __str__(self) -> str:
        return f'{self.entries[0]}: widened to "{self.text}"'


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
        return asked.applies(entry, self.claim) and asked.fits_attributes(entry) and asked.fits(entry, action)

    def __str__(self) -> str:
        first = self.entries[0]
        condition = condition_text(self.claim, (first.block.when or {})[self.claim])
        return f"{first.block_name}: without the condition {condition}"


class WithoutConnectWith(Mutant):
    """A grant or deny without `connect_with`."""

    @property
    def location(self) -> tuple[str | int, ...]:
        """The place of the connect attributes."""
        return (*self.entries[0].block_location, "connect_with")

    def covers(self, entry: Entry, action: Action, asked: AskedQuestion) -> bool:
        """Whether an entry covers it with any connect attributes."""
        return asked.applies(entry) and asked.fits(entry, action)

    def __str__(self) -> str:
        return f"{self.entries[0].block_name}: without connect_with"


def mutants(template: PolicyTemplate) -> Iterator[Mutant]:
    """All mutants of a template, in the order of its entries."""
    for entry in template.entries:
        yield Removed((entry,))
        yield from widened(template, entry)
    for index in range(len(template.blocks)):
        yield from unconditional(entry for entry in template.entries if entry.block_index == index)


def widened(template: PolicyTemplate, entry: Entry) -> Iterator[Mutant]:
    """The mutants in which an entry is wider."""
    texts = _wider_client_ids(entry) if entry.key == "connect" else _wider_filters(entry.text)
    for text in dict.fromkeys(texts):
        whole = with_prefix(text, entry.key, template.topic_prefix)
        if text != entry.text and not any(_allows_all(other, entry, whole) for other in template.entries):
            yield Widened((entry,), text, whole)


def unconditional(entries: Iterable[Entry]) -> Iterator[Mutant]:
    """The mutants in which some entries of one grant or deny have a condition less."""
    entries = tuple(entries)
    for name, wanted in (entries[0].block.when or {}).items() if entries else ():
        changed = tuple(each for each in entries if wanted != "*" or name not in claim_names(each.text))
        if changed:
            yield Unconditional(changed, name)
    if restricted := tuple(each for each in entries if each.attributes is not None and _names_less(each)):
        yield WithoutConnectWith(restricted)


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
    end = len(levels) - (levels[-1] == HASH)
    for index in range(start, end):
        level = levels[index]
        if "{" in level:
            yield _with_level(levels, index, PLUS)
        elif index == end - 1:
            yield "/".join((*levels[:index], HASH))
        elif level != PLUS and index > start and not levels[start].startswith("$"):
            yield _with_level(levels, index, PLUS)


def _with_level(levels: Levels, index: int, level: str) -> str:
    return "/".join((*levels[:index], level, *levels[index + 1 :]))


def _wider_client_ids(entry: Entry) -> Iterator[str]:
    """Client IDs with more stars. `{client_id}` is any client ID already."""
    for name in placeholder_names(entry.text):
        if name != "client_id":
            yield entry.text.replace(f"{{{name}}}", "*")
    stem = entry.text.removesuffix("*").removesuffix("/")
    if not stem.endswith("{client_id}"):
        yield f"{stem}*"
