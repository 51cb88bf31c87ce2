"""What the tests of a template reach: coverage by entry, mutants that survive, and what to add.

1. An entry of a grant is covered if a case is allowed by it, and a case is denied that would be allowed if the entry
   were wider or its grant had a condition less. For an entry of a deny, allowed and denied change places.
2. An entry that cannot be wider and has no conditions, such as `connect = ["{client_id}"]`, needs only the first.
3. A mutant survives if every case gets the answer that the template gives (`mutants.py`).
4. A client that the authorizer refuses for what it is, such as one with an unsafe value, is denied everything: its
   `may_not` say nothing about entries.
5. What to add is searched: a case that the mutant answers differently, for the clients of the tests, and for each of
   them without the claim whose condition is dropped. It is found by asking, so it passes and kills the mutant.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

from iot_policies.entries import Entry
from iot_policies.errors import PolicyError
from iot_policies.explaining import ACTIONS, Question, explain, is_allowed
from iot_policies.grants import ConnectAttribute, Key
from iot_policies.nearest import shown
from iot_policies.placeholders import Values, as_format, claim_names, placeholder_names
from iot_policies.principal import Claims, Principal, read_claim
from iot_policies.template import PolicyTemplate
from iot_policies.testing.asked_question import AskedQuestion
from iot_policies.testing.cases import Case, ClientOfTest, with_topic_prefix
from iot_policies.testing.mutants import (
    Mutant,
    Removed,
    Unconditional,
    Widened,
    WithoutConnectWith,
    WithoutValue,
    unconditional,
    widened,
)
from iot_policies.toml_file import Location
from iot_policies.topics import HASH, PLUS, TO, as_written, split
from iot_policies.when import choices

_OTHER, _EXAMPLE = "other", "example"
"""A level that probably nothing is called, and the value of a claim that a client lacks."""
_EACH = 2
"""The number of candidates that one entry gives."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A direction of an entry that no test reaches."""

    entry: Entry
    problem: str
    """What is missing, in words."""
    mutant: Mutant
    """A mutant that a test of this direction kills."""


class Advice(NamedTuple):
    """A case that kills a mutant."""

    label: str
    """The test whose client it is about."""
    change: str
    """How the client differs from that of the test, in words; empty if it does not."""
    line: str
    """Such as `publish rooms/lobby/say/ann`."""
    allowed: bool
    """Whether the line belongs under `may`."""

    def __str__(self) -> str:
        lines = f"{'may' if self.allowed else 'may_not'} = [{json.dumps(self.line, ensure_ascii=False)}]"
        place = f"a test of {self.label} {self.change}" if self.change else f"to the test of {self.label}"
        return f"add {place}: {lines}"


def asked_of(template: PolicyTemplate, cases: Iterable[Case]) -> list[AskedQuestion]:
    """The questions of some cases."""
    prefix = template.topic_prefix
    return [
        AskedQuestion(template, case.client, case.question, with_topic_prefix(case.question, case.resource, prefix))
        for case in cases
    ]


def gaps(template: PolicyTemplate, asked: Sequence[AskedQuestion]) -> Iterator[Gap]:
    """What the tests of a template do not reach."""
    for entry in template.entries:
        is_grant = entry.effect == "Allow"
        verb = "allowed" if is_grant else "denied"
        if not any(_is_decided_by(entry, each) for each in asked):
            yield Gap(entry, f"no {'may' if is_grant else 'may_not'} is {verb} by it", Removed((entry,)))
        wider = [*widened(template, entry), *unconditional([entry])]
        if wider and all(survives(mutant, asked) for mutant in wider):
            key = "may_not" if is_grant else "may"
            yield Gap(entry, f"no {key} would be {verb} if it were wider or had a condition less", wider[0])


def refused_clients(template: PolicyTemplate, cases: Iterable[Case]) -> Iterator[tuple[Case, str]]:
    """For each test whose client the authorizer refuses, its first case that passes for this, and why it refuses it."""
    seen: set[Location] = set()
    for case in cases:
        test = (*case.location[:2],)
        if case.question != "connect" and not case.allowed and test not in seen:
            seen.add(test)
            if asked_of(template, [case])[0].is_refused:
                principal, client_id, _ = case.client
                yield case, explain(template, principal, case.question, case.resource, client_id).reasons[0]


def survives(mutant: Mutant, asked: Iterable[AskedQuestion]) -> bool:
    """Whether no question gets another answer from a mutant."""
    return not any(mutant.is_killed_by(each) for each in asked)


def advice(template: PolicyTemplate, mutant: Mutant, cases: Iterable[Case]) -> Advice | None:
    """A case that kills a mutant; None if none is found, as if it makes no difference."""
    labels: dict[str, tuple[str, ClientOfTest]] = {}
    for case in cases:
        labels.setdefault(repr(case.client), (case.label, case.client))
    variants = [(label, *each) for label, client in labels.values() for each in _variants(client, mutant)]
    for label, change, client in sorted(variants, key=lambda each: each[1] != ""):  # Those of the tests come first.
        for question, resource in dict.fromkeys(_candidates(template, mutant, client)):
            asked = AskedQuestion(
                template, client, question, with_topic_prefix(question, resource, template.topic_prefix)
            )
            if mutant.is_killed_by(asked) and _may_connect(template, client):
                return Advice(label, change, f"{question} {as_written(resource)}", asked.allows())
    return None


def _variants(client: ClientOfTest, mutant: Mutant) -> Iterator[tuple[str, ClientOfTest]]:
    """The client, and clients that are more likely to notice a mutant; each with what differs, in words."""
    for change, base in (("", client), *_with_more(client, mutant.entries)):
        yield change, base
        for other, changed in _with_less(base, mutant):
            yield " and ".join(filter(None, (change, other))), changed


def _with_more(client: ClientOfTest, entries: Sequence[Entry]) -> Iterator[tuple[str, ClientOfTest]]:
    """The client with what it lacks to have the entries."""
    name, claims = client.principal
    if needed := _needed_claims(entries[0], claims):
        change = f"with the claims {', '.join(f'{key} = {shown(value)}' for key, value in needed.items())}"
        yield change, client._replace(principal=Principal(name, {**claims, **needed}))
    if client.client_id is None and "client_id" in placeholder_names(entries[0].text):
        for client_id in (name, _OTHER):
            yield f'with client_id = "{client_id}"', client._replace(client_id=client_id)


def _with_less(client: ClientOfTest, mutant: Mutant) -> Iterator[tuple[str, ClientOfTest]]:
    """The client without what only the template asks for, and not the mutant."""
    name, claims = client.principal
    if isinstance(mutant, Unconditional):
        principal = Principal(name, _without(claims, mutant.claim))
        yield f"without the claim {mutant.claim}", client._replace(principal=principal)
    if isinstance(mutant, WithoutValue):
        principal = Principal(name, {**claims, mutant.claim: mutant.value})
        yield f"with the claims {mutant.claim} = {shown(mutant.value)}", client._replace(principal=principal)
    if isinstance(mutant, WithoutConnectWith):
        for attribute in get_args(ConnectAttribute):
            yield f'with connect_with = ["{attribute}"]', client._replace(attributes=frozenset({attribute}))


def _may_connect(template: PolicyTemplate, client: ClientOfTest) -> bool:
    """Whether a test of the client passes: with a client ID, it must be granted."""
    principal, client_id, attributes = client
    return client_id is None or is_allowed(template, principal, "connect", client_id, client_id, attributes)


def _needed_claims(entry: Entry, claims: Claims) -> Claims:
    """Claims that a client lacks to have an entry, with examples of their values."""
    try:
        unmet = entry.block.unmet(claims)
        missing = [name for name in claim_names(entry.text) if read_claim(claims, name) is None]
    except PolicyError:
        return {}
    needed: dict[str, object] = dict.fromkeys(missing, _EXAMPLE)
    return needed | {name: _EXAMPLE if wanted == "*" else choices(wanted)[0] for name, wanted in unmet.items()}


def _without(claims: Claims, name: str) -> Claims:
    """Claims without one of them, by its name or path."""
    outer, _, rest = name.partition(".")
    inner = claims.get(outer)
    if name not in claims and isinstance(inner, Mapping):
        return {**claims, outer: _without(inner, rest)}
    return {key: value for key, value in claims.items() if key != name}


def _candidates(template: PolicyTemplate, mutant: Mutant, client: ClientOfTest) -> Iterator[tuple[Question, str]]:
    """Questions that a mutant may answer differently."""
    for key in dict.fromkeys(entry.key for entry in mutant.entries):
        texts = [mutant.text] if isinstance(mutant, Widened) else [each.text for each in mutant.entries]
        if mutant.entries[0].effect == "Deny":  # It shows where a grant allows something.
            texts += [each.text for each in template.entries if each.effect == "Allow"]
        for text in texts:
            for filled in _filled(text, client):
                yield key, _sample(filled, key)
                if isinstance(mutant, Widened) and text.endswith(HASH) and key != "subscribe":
                    # Where `+` became `#`, one level is no mistake.
                    yield key, f"{_sample(filled, key)}/{_OTHER}"


def _filled(text: str, client: ClientOfTest) -> list[str]:
    names = placeholder_names(text)
    try:
        combinations = Values(client.principal, client.client_id or _OTHER).combinations(names)
    except PolicyError:
        return []
    return [as_format(text, names).format(*each) for each in combinations[:_EACH]]


def _sample(text: str, key: Key) -> str:
    """A client ID, a topic, or a topic filter that matches an entry, which has values already."""
    client_id, to, topic = (text, "", "") if key == "connect" else text.rpartition(TO)
    levels = (_OTHER if level == "*" else level.replace("*", f"-{_OTHER}") for level in client_id.split("/"))
    wild = (PLUS,) if key == "subscribe" else (PLUS, HASH)
    return "/".join(levels) + to + "/".join(_OTHER if level in wild else level for level in split(topic))


def _is_decided_by(entry: Entry, asked: AskedQuestion) -> bool:
    """Whether an entry allows a question that is allowed, or denies one that grants allow."""
    if asked.is_refused:
        return False
    if entry.effect == "Allow":
        return asked.allows() and entry in asked.covering[ACTIONS[asked.question][-1]]
    return any(
        entry in covering and any(each.effect == "Allow" for each in covering) for covering in asked.covering.values()
    )
