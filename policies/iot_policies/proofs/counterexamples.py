"""What a proof shows if a policy and its template differ: the principal, the topic and the entries."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from iot_policies.actions import Action
from iot_policies.entries import Entry
from iot_policies.proofs.automata import Automaton, Word, readable
from iot_policies.proofs.languages import Difference, Resource, resource_pattern
from iot_policies.proofs.meaning import Meaning
from iot_policies.proofs.patterns import Pattern, show
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.template import PolicyTemplate
from iot_policies.toml_file import key_of
from iot_policies.topics import as_written


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A principal whose policy is not what the template says."""

    example: ExamplePrincipal
    kind: str
    """`too much`, `lost`, `refused`, `not refused`, `packing` or `not accepted`."""
    action: Action | None
    text: str
    """A topic, a topic filter or a client ID; for a refusal its reason code."""
    topic: str
    """For a subscription that is too much: a topic that it receives; else empty."""
    attributes: tuple[str, ...]
    """For a client ID: what the CONNECT asks for."""
    entries: tuple[Entry, ...]
    """The entries of the template that are about the text."""
    others: tuple[Entry, ...]
    """Further entries whose resource matches the text, since its `*` takes more levels than their wildcard."""
    resources: tuple[str, ...]
    """The resources of the policy that decide, as `Deny a/*`."""
    is_alone: bool = False
    """Whether this is about a template with only the one entry: no principal of the whole template shows it."""

    def lines(self) -> Iterator[str]:
        """The counterexample for people."""
        principal, client_id = self.example
        client = "" if client_id is None else f", client ID {client_id}"
        yield f"principal {principal.name}, claims {json.dumps(principal.claims)}{client}"
        yield f"{_WORDS[self.kind]}: {self._what()}"
        if self.topic:
            yield f"it receives {self.topic}"
        alone = " (this entry only, in a template of its own)" if self.is_alone else ""
        yield from (f"entry: {entry}{alone}" for entry in self.entries)
        yield from (f"its resource reaches further: {entry}{alone}" for entry in self.others)
        yield from (f"policy: {as_written(resource)}" for resource in self.resources)

    def as_json(self) -> dict[str, object]:
        """The counterexample for programs."""
        return {
            "principal": self.example.principal.name,
            "claims": self.example.principal.claims,
            "client_id": self.example.client_id,
            "kind": self.kind,
            "action": self.action,
            "text": as_written(self.text),
            "topic": self.topic or None,
            "connect_attributes": list(self.attributes),
            "entries": [key_of(entry.location) for entry in self.entries],
            "others": [key_of(entry.location) for entry in self.others],
            "resources": [*map(as_written, self.resources)],
            "entry_only": self.is_alone,
        }

    def _what(self) -> str:
        asked = f" with {' and '.join(self.attributes)}" if self.attributes else ""
        return f"{self.action} {as_written(self.text)}{asked}" if self.action else self.text


_WORDS = {
    "too much": "the policy allows too much",
    "lost": "the policy does not allow what the template grants",
    "refused": "the principal is refused, but the template grants it something",
    "not refused": "the principal gets a policy, but must be refused",
    "not accepted": "AWS would not accept the policy",
    "packing": "the documents are not the statements of the policy",
}


def of_refusal(example: ExamplePrincipal, *, found: str | None, expected: str | None) -> Counterexample:
    """A principal that is refused wrongly, or not refused, or whose documents are wrong."""
    kind = "packing" if found and expected else "refused" if found else "not refused"
    return Counterexample(example, kind, None, found or expected or "", "", (), (), (), ())


def of_difference(
    template: PolicyTemplate,
    example: ExamplePrincipal,
    difference: Difference,
    policy: Iterable[Resource],
    meant: Meaning,
) -> Counterexample:
    """A topic, topic filter or client ID that shows a difference, with the entries and resources that are about it."""
    levels = {level for entry in template.entries for level in entry.filter.split("/")}
    avoid = levels | {level for reach in meant.allowed + meant.denied for level in map(show, reach.levels)}
    word, action = difference.word, difference.action
    resources = [each for each in policy if each.action == action and _covers(each, difference)]
    about = [each for each in meant.allowed + meant.denied if each.action == action]
    words = {word, difference.topic or word}
    entries = dict.fromkeys(each.entry for each in about if any(_matches(each.least, text) for text in words))
    others = dict.fromkeys(each.entry for each in about if _matches(each.resource, word) and each.entry not in entries)
    return Counterexample(
        example,
        difference.kind,
        action,
        readable(word, avoid),
        readable(difference.topic, avoid) if difference.topic else "",
        tuple(sorted(difference.attributes)),
        tuple(entries),
        tuple(others),
        tuple(f"{each.effect} {each.text}" for each in resources),
    )


def _covers(resource: Resource, difference: Difference) -> bool:
    return difference.attributes in resource.subsets and _matches(resource_pattern(resource.text), difference.word)


def _matches(pattern: Pattern, word: Word) -> bool:
    return bool(Automaton({"it": [pattern]}).groups_of(word))
