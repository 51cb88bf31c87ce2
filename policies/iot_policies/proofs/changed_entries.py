"""Finds what an entry that only one of two templates has opens or closes, with an example.

1. *An entry of a grant* makes a difference if a smallest principal for which it applies may use a topic of it that the
   other template does not allow. The values of its placeholders are words that no template has. Other principals have
   more claims or equal values: then more entries apply and match, which takes away from the difference.
2. *An entry of a deny* makes a difference if it denies a topic that an entry of the other template allows. Each such
   entry is tried, under all values with which both have a topic in common (`meet`), with a smallest principal.
3. A client without a client ID, as over HTTPS, is tried if a deny names `{client_id}`: it is then denied every one.
4. Each example is confirmed: both templates are compiled for its principal, and the evaluator decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from iot_policies.actions import Action, in_order
from iot_policies.entries import Entry
from iot_policies.explaining import Question, explain
from iot_policies.proofs.automata import readable
from iot_policies.proofs.decisions import NOTHING, Compared, Decision, client_id_patterns
from iot_policies.proofs.languages import Attributes
from iot_policies.proofs.meaning import CLIENT_ID, Reach, is_widened, reaches
from iot_policies.proofs.patterns import NotCovered, Pattern, Variable, fill, template_levels, variables_of
from iot_policies.proofs.refusals import meant
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.proofs.smallest_principals import UNREADABLE, Words, size, smallest_principals
from iot_policies.proofs.unification import meet
from iot_policies.template import PolicyTemplate
from iot_policies.topics import as_written, contains

Effect = Literal["opens", "closes"]
QUESTIONS: Mapping[Action, Question] = {
    "iot:Connect": "connect",
    "iot:Publish": "publish",
    "iot:RetainPublish": "retain",
    "iot:Subscribe": "subscribe",
    "iot:Receive": "receive",
    "iot:GetRetainedMessage": "read",
    "iot:SendDirectMessage": "send",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A principal and what only one of two templates allows it."""

    example: ExamplePrincipal
    action: Action
    text: str
    """A topic, a topic filter or a client ID; for a direct message both, joined by TO."""
    attributes: Attributes = frozenset()
    """For a client ID: what the CONNECT asks for."""

    @property
    def resource(self) -> str:
        """The text as a user writes it."""
        return as_written(self.text)

    @property
    def client_id(self) -> str | None:
        """The client ID of the example."""
        return self.text if self.action == "iot:Connect" else self.example.client_id


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """A changed entry that makes a difference."""

    effect: Effect
    entry: Entry
    is_new: bool
    """Whether the new template has the entry, and not the old one."""
    unless: tuple[Entry, ...]
    """Entries of the other template that say the same under other conditions: nothing changes if they hold."""
    shown: tuple[Shown, ...]
    """An example for each action, with the shortest topic for the principal with the fewest claims."""


def changed_entries(mine: PolicyTemplate, other: PolicyTemplate) -> list[Entry]:
    """The entries of a template that the other one does not have."""
    known = {_key(entry) for entry in other.entries}
    return [*{_key(entry): entry for entry in mine.entries if _key(entry) not in known}.values()]


def _key(entry: Entry) -> object:
    """What decides what an entry allows or denies."""
    when = entry.block.when or {}
    conditions = frozenset((name, frozenset(map(repr, _values(wanted)))) for name, wanted in when.items())
    attributes = None if entry.attributes is None else frozenset(entry.attributes)
    return entry.effect, entry.key, entry.filter, conditions, attributes, is_widened(entry)


def _values(wanted: object) -> tuple[object, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)


class ChangedEntries:
    """Looks for a difference that entries of one template, `mine`, make to the other one."""

    def __init__(self, mine: PolicyTemplate, other: PolicyTemplate, words: Words, not_covered: list[str]) -> None:
        self._mine, self._other, self._words, self._not_covered = mine, other, words, not_covered

    def line(self, entry: Entry, *, is_new: bool) -> ChangeLine | None:
        """The line of a changed entry; None if it makes no difference."""
        shown = []
        for action in _actions(entry):
            try:
                found = self._example(entry, action)
            except NotCovered as problem:
                if (text := f"{entry}: {problem}") not in self._not_covered:  # Once for all actions.
                    self._not_covered.append(text)
                continue
            if found is not None:
                shown.append(found)
        effect: Effect = "opens" if (entry.effect == "Allow") == is_new else "closes"
        return ChangeLine(effect, entry, is_new, _alike(entry, self._other), tuple(shown)) if shown else None

    def _example(self, entry: Entry, action: Action) -> Shown | None:
        found = self._of_grants(entry) if entry.effect == "Allow" else self._of_denies(entry, action)
        for example in found:
            decision = self._decision(entry, action, example)
            if decision is not None:
                shown = show(decision, action, example, (self._mine, self._other))
                if not _is_confirmed(shown, *self._sides(entry)):
                    self._not_covered.append(f"{entry}: {shown.text}: the policies do not differ as the entries do")
                return shown
        return None

    def _sides(self, entry: Entry) -> tuple[PolicyTemplate, PolicyTemplate]:
        """The template that allows more because of an entry, and the other one."""
        return (self._mine, self._other) if entry.effect == "Allow" else (self._other, self._mine)

    def _of_grants(self, entry: Entry) -> Iterable[ExamplePrincipal]:
        variables = variables_of(level for reach in reaches(entry, self._mine.topic_prefix) for level in reach.levels)
        values = self._words.fill({}, variables)
        return smallest_principals(self._words, [entry.block], values or {})

    def _of_denies(self, entry: Entry, action: Action) -> Sequence[ExamplePrincipal]:
        """The principals to which an entry of a deny can deny what an entry of the other template allows."""
        found = {
            example.key: example
            for allowing in self._other.entries
            if allowing.effect == "Allow"
            for values in self._meetings(entry, allowing, "iot:Publish" if entry.key == "publish" else action)
            for example in smallest_principals(self._words, [allowing.block, entry.block], values)
        }
        has_client_id = "{client_id}" in entry.text and action != "iot:Connect"
        without = [each._replace(client_id=None) for each in found.values()] if has_client_id else []
        return sorted((*found.values(), *without), key=size)

    def _meetings(self, entry: Entry, allowing: Entry, action: Action) -> Iterator[Mapping[Variable, str]]:
        for mine in reaches(entry, self._mine.topic_prefix, 2):
            for its in reaches(allowing, self._other.topic_prefix, 1):
                if not mine.action == its.action == action:
                    continue
                variables = variables_of((*template_levels(entry.text, 2), *template_levels(allowing.text, 1)))
                for one, other in _pairs(mine, its):
                    for values in meet(one, other, every=True):
                        filled = self._words.fill(values, variables)
                        if filled is not None:
                            yield filled

    def _decision(self, entry: Entry, action: Action, example: ExamplePrincipal) -> Decision | None:
        """What the example may do because of an entry, or because it is missing, and only with one template."""
        meanings = {id(template): meant(template, example) for template in (self._mine, self._other)}
        allowing, refusing = (meanings[id(template)] for template in self._sides(entry))
        mine = meanings[id(self._mine)]
        for each in (allowing, mine):
            if each in UNREADABLE:
                raise NotCovered(f"the claims {dict(example.principal.claims)} are refused: {each}")
        if isinstance(allowing, str):
            return None
        within = (
            [] if isinstance(mine, str) else [each for each in (*mine.allowed, *mine.denied) if each.entry is entry]
        )
        compared = Compared(allowing, NOTHING if isinstance(refusing, str) else refusing, example.client_id)
        return compared.first(action, within)


def _actions(entry: Entry) -> tuple[Action, ...]:
    """The actions for which an entry can make a difference: who must not publish must not publish with RETAIN."""
    found = {rule.action for rule in entry.rules}
    return in_order(found | {"iot:RetainPublish"} if entry.effect == "Deny" and "iot:Publish" in found else found)


def show(decision: Decision, action: Action, example: ExamplePrincipal, templates: Iterable[PolicyTemplate]) -> Shown:
    """A decision as a text for people."""
    avoid = {level for template in templates for entry in template.entries for level in entry.filter.split("/")}
    values = [each for value in example.principal.claims.values() for each in _values_of(value)]
    text = readable(decision.word, avoid | {str(each) for each in (example.principal.name, example.client_id, *values)})
    return Shown(example, action, text, decision.attributes)


def _values_of(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


def _is_confirmed(shown: Shown, allowing: PolicyTemplate, refusing: PolicyTemplate) -> bool:
    """Whether compiled policies decide as the entries do."""
    return is_allowed(allowing, shown) and not is_allowed(refusing, shown)


def is_allowed(template: PolicyTemplate, shown: Shown) -> bool:
    """Whether the compiled policy of an example allows what it shows."""
    question, principal = QUESTIONS[shown.action], shown.example.principal
    return explain(template, principal, question, shown.text, shown.client_id, shown.attributes).allowed


ONE_CLIENT_ID = CLIENT_ID._replace(copy=1)
"""Stands for a client ID that is known, but may be any."""


def _pairs(mine: Reach, its: Reach) -> Iterator[tuple[Pattern, Pattern]]:
    """The patterns of a deny and of a grant, for a client with a client ID, and for one without. Raises NotCovered."""
    if mine.action == "iot:Connect":
        yield from product(client_id_patterns(mine, None), client_id_patterns(its, None))
        return
    yield with_client_id(mine).most, with_client_id(its).most
    if CLIENT_ID in variables_of(mine.levels) and CLIENT_ID not in variables_of(its.levels):
        yield mine.most, its.most


def with_client_id(reach: Reach) -> Reach:
    """What an entry says for a client that has a client ID, which may be any."""
    return reach._replace(levels=fill(reach.levels, {CLIENT_ID: (ONE_CLIENT_ID,)}))


def _alike(entry: Entry, other: PolicyTemplate) -> tuple[Entry, ...]:
    """The entries of another template that say the same or more as an entry, under a `when` of their own."""
    if entry.key == "connect":
        found = [each for each in other.entries if each.key == "connect" and each.filter == entry.filter]
    else:
        rules = {rule.action: rule for rule in entry.rules}
        found = [
            each
            for each in other.entries
            if each.key != "connect"
            and {rule.action for rule in each.rules} >= rules.keys()
            and all(contains(rule.levels, rules[rule.action].levels) for rule in each.rules if rule.action in rules)
        ]
    return tuple(each for each in found if each.effect == entry.effect and each.block.when)
