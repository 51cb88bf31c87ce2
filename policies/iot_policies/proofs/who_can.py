"""Says who can do something: the conditions under which entries allow it, and those under which entries deny it.

1. A topic is given, so an entry matches it for finitely many values of its placeholders. They are found by `meet`: an
   entry of a grant is read as its topic filter, an entry of a deny as the resource pattern that it becomes.
2. A principal can do it if the conditions and values of one *way* hold, and those of no *denial*.
3. To publish with RETAIN needs a `retain` entry, and no denial of either kind of publishing.
4. To connect, the client ID that is asked for is the value of `{client_id}`. The question is about a CONNECT without a
   Will and a persistent session; what an entry says about these is shown with it.
5. A deny with `{client_id}` denies a client without a client ID, as over HTTPS, the topics of every client ID.
6. Whether a known principal can is decided by its compiled policy and the evaluator. The ways only tell which client
   IDs to try: none, each that a way wants, and those of its own, which could evade a deny.
7. Some principal can if one with as few claims as possible can (`smallest_principals.py`): more claims only let more
   denials hold. Its words are in no template and not in the question. Where a client ID matters, what allows it is part
   of the way: each entry of `connect` is tried with it.
8. No principal can if none of these can, and each is denied. If claims of one could be read in another shape, or its
   policy is too large, the way is not covered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry
from iot_policies.errors import PolicyError
from iot_policies.explaining import ACTIONS, Question, explain
from iot_policies.placeholders import Values, is_safe
from iot_policies.principal import Principal
from iot_policies.proofs.changed_entries import ONE_CLIENT_ID, with_client_id
from iot_policies.proofs.meaning import CLIENT_ID, PRINCIPAL, reaches
from iot_policies.proofs.patterns import (
    NotCovered,
    Pattern,
    Piece,
    Variable,
    levels_of,
    literal,
    message_levels,
    template_levels,
    variables_of,
)
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.proofs.smallest_principals import UNREADABLE, Words, in_objects, smallest_principals
from iot_policies.proofs.unification import meet
from iot_policies.template import PolicyTemplate
from iot_policies.topics import direct_message


class Way(NamedTuple):
    """An entry, and the values under which it is about the topic. The conditions of its block must hold, too."""

    entry: Entry
    values: tuple[tuple[str, str], ...]
    """What placeholders must have as a value, or as an element of a list: `claims.rooms` and a text, for example."""
    without_client_id: bool = False
    """Whether this is about clients without a client ID."""

    @property
    def any_value(self) -> tuple[str, ...]:
        """The placeholders that must have a value, but any one, as in the NAME of `$share/NAME/`."""
        known = {*dict(self.values), PRINCIPAL.name}
        if self.entry.key == "connect" or self.entry.effect == "Deny":  # Which need no client ID beside the values.
            known.add(CLIENT_ID.name)
        return tuple(each.name for each in _variables(self.entry) if each.name not in known)


class Grantee(NamedTuple):
    """How a known principal can do it."""

    entry: str
    """The entry that allows it, in words."""
    client_id: str | None
    """A client ID with which it can; None if it needs no certain one."""


@dataclass(frozen=True, slots=True)
class WhoCan:
    """The answer for one template and one topic, topic filter or client ID."""

    template: PolicyTemplate
    question: Question
    resource: str
    ways: tuple[Way, ...]
    """Any one of these allows it."""
    denials: tuple[Way, ...]
    """Any one of these denies it, even if a grant allows it. A deny with `connect_with` denies only what it names."""

    def example(self) -> Principal | None:
        """A principal with as few claims as possible that can; None if no principal can. Raises NotCovered."""
        words = Words([self.template], self.resource)
        problem: NotCovered | None = None
        for way in self.ways:
            try:
                for example in self._smallest(way, words):
                    if (found := self._like(example, words)) is not None:
                        return found
            except NotCovered as error:
                problem = problem or NotCovered(f"{way.entry}: {error}")
        if problem is not None:
            raise problem
        return None

    def _like(self, example: ExamplePrincipal, words: Words) -> Principal | None:
        """A principal with the same claims, perhaps in objects, that can; None if it is denied. Raises NotCovered."""
        if self.grantee(example.principal) is not None:
            return example.principal
        reason = self._refusal(example.principal)
        if reason in UNREADABLE:
            for other in in_objects(words, example):
                if self.grantee(other.principal) is not None:
                    return other.principal
        if reason in _UNDECIDED:
            raise NotCovered(f"a principal with {dict(example.principal.claims)} is refused: {reason}")
        return None

    def _smallest(self, way: Way, words: Words) -> Iterator[ExamplePrincipal]:
        """The smallest principals for which a way holds, alone and with each entry that can allow a client ID."""
        values = {Variable(name): text for name, text in way.values}
        values |= {each: words.of(each) for each in _variables(way.entry) if each not in values}
        yield from smallest_principals(words, [way.entry.block], values)
        if not self._needs_client_id(way):
            return
        client_id = dict(way.values).get(CLIENT_ID.name)
        for entry in self.template.entries:
            if entry.key == "connect" and entry.effect == "Allow":
                for connecting in _connecting(entry, client_id, values, words):
                    yield from smallest_principals(words, [way.entry.block, entry.block], {**values, **connecting})

    def _needs_client_id(self, way: Way) -> bool:
        """Whether a client ID fills a placeholder of a way, or of an entry that denies clients without one."""
        return self.question != "connect" and (CLIENT_ID in _variables(way.entry) or self._denies_client_ids())

    def _denies_client_ids(self) -> bool:
        return any(entry.effect == "Deny" and CLIENT_ID in _variables(entry) for entry in self.template.entries)

    def _refusal(self, principal: Principal) -> str | None:
        """The reason code for which a principal gets no policy."""
        try:
            client_id = self.resource if self.question == "connect" else None
            compile_policy(self.template, principal, client_id).documents(EXAMPLE_PLACE)
        except PolicyError as error:
            return error.reason
        return None

    def grantee(self, principal: Principal) -> Grantee | None:
        """How a principal can do it; None if it cannot."""
        for client_id in self._client_ids(principal):
            found = explain(self.template, principal, self.question, self.resource, client_id)
            if found.allowed and (self.question == "connect" or self._may_connect(principal, client_id)):
                return Grantee(found.reasons[0].removeprefix("by "), client_id)
        return None

    def _may_connect(self, principal: Principal, client_id: str | None) -> bool:
        return client_id is None or explain(self.template, principal, "connect", client_id).allowed

    def _client_ids(self, principal: Principal) -> Iterator[str | None]:
        """The client IDs to try: none if no way can hold."""
        if not any(_may_hold(way, principal) for way in self.ways):
            return
        if self.question == "connect":
            yield self.resource
            return
        wanted = [text for way in self.ways for name, text in way.values if name == CLIENT_ID.name]
        yield from dict.fromkeys((None, *wanted))
        if self._denies_client_ids() or any(CLIENT_ID.name in way.any_value for way in self.ways):
            yield from self._own_client_ids(principal)

    def _own_client_ids(self, principal: Principal) -> Iterator[str]:
        """Client IDs that a principal may use: its own ones, and a new one."""
        new = Words([self.template], self.resource, principal.name).of(CLIENT_ID)
        try:
            policy = compile_policy(self.template, principal, new)
        except PolicyError:
            return
        resources = (each for statement in policy.statements for each in statement.resources)
        own = (each.removeprefix("client/") for each in resources if each.startswith("client/"))
        yield from dict.fromkeys((new, *(each.replace("*", new) for each in own)))


_UNDECIDED = (*UNREADABLE, "policy_too_large")


def _variables(entry: Entry) -> tuple[Variable, ...]:
    return variables_of(template_levels(entry.text))


def _connecting(
    entry: Entry, client_id: str | None, values: Mapping[Variable, str], words: Words
) -> Iterator[Mapping[Variable, str]]:
    """The values under which an entry allows a client ID, or some one; together with the values of a way."""
    if client_id is None:
        variables = variables_of(template_levels(entry.text, copy=1))
        yield {each: words.of(each) for each in variables if each not in values}
        return
    for found in _ways(entry, "", "iot:Connect", client_id):
        needed = {Variable(name, 1 if name.startswith("claims.") else 0): text for name, text in found.values}
        name = values.get(PRINCIPAL, words.of(PRINCIPAL))
        if name in (needed.get(PRINCIPAL, name), words.of(PRINCIPAL)):
            yield needed


def _may_hold(way: Way, principal: Principal) -> bool:
    """Whether a way can hold for a principal with some client ID; True if its claims cannot be read."""
    values = Values(principal, None)
    try:
        return way.entry.block.applies(principal.claims) and all(
            (text,) in values.combinations((name,)) for name, text in way.values if name != CLIENT_ID.name
        )
    except PolicyError:
        return True


def who_can(template: PolicyTemplate, question: Question, resource: str) -> WhoCan:
    """The conditions under which a principal can do something, by which entries, and what denies it.

    `resource` is a client ID, a topic name, a topic filter or a direct message. Raises NotCovered.
    """
    resource = direct_message(resource) if question == "send" else resource
    actions = ACTIONS[question]
    ways = [
        way
        for entry in template.entries
        if entry.effect == "Allow"
        for way in _ways(entry, template.topic_prefix, actions[-1], resource)
    ]
    denials = [
        way
        for entry in template.entries
        if entry.effect == "Deny"
        for action in actions
        for way in _ways(entry, template.topic_prefix, action, resource)
    ]
    return WhoCan(template, question, resource, (*dict.fromkeys(ways),), (*dict.fromkeys(denials),))


def _ways(entry: Entry, prefix: str, action: Action, resource: str) -> Iterator[Way]:
    try:
        yield from _ways_of(entry, prefix, action, resource)
    except NotCovered as problem:
        raise NotCovered(f"{entry}: {problem}") from None


def _ways_of(entry: Entry, prefix: str, action: Action, resource: str) -> Iterator[Way]:
    levels = message_levels(resource) if action == "iot:SendDirectMessage" else levels_of(resource)
    text = tuple(Piece(level) for level in levels)
    for reach in reaches(entry, prefix):
        if reach.action != action:
            continue
        for found in _solutions(with_client_id(reach).most, text):
            client_id = found.pop(ONE_CLIENT_ID.name, resource) if action == "iot:Connect" else resource
            if client_id == resource:
                yield Way(entry, (*found.items(),))
        if entry.effect == "Deny" and action != "iot:Connect" and CLIENT_ID in variables_of(reach.levels):
            for found in _solutions(reach.most, text):
                yield Way(entry, (*found.items(),), without_client_id=True)


def _solutions(pattern: Pattern, text: Pattern) -> Iterator[dict[str, str]]:
    """The values of placeholders, by name, under which a pattern matches a text."""
    for values in meet(pattern, text, every=True):
        found = {variable.name: literal(value) for variable, value in values.items()}
        if is_safe(*found.values()):
            yield found
