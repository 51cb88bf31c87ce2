"""What a template means for one principal, written from the reference "Template language" and not from the compiler.

1. An entry of a grant allows what its topic filter matches; an entry of a deny denies that. `retain` also allows to
   publish; in a deny it denies only RETAIN. `subscribe` is about receiving, too, there without `$share/NAME/`;
   `receive` is only about that. An entry of `send` matches a receiver and a topic.
2. A subscription is within an entry if the entry's filter contains it.
3. A client ID is a text; a `*` at the end of an entry, or of a receiver, is any text.
4. Bounds: an entry says at least `least` and at most `most`. They differ for a deny, which may also deny what the
   resource pattern with `*` for its wildcards matches, and for an entry that `widen` makes wider, in the same way.
5. A topic prefix comes in front of each topic that does not begin with `$`. A deny with a prefix that begins with a
   wildcard also denies reserved topics.
6. An entry is repeated for each value of a list, and left out if a claim or the client ID is missing. In a deny, a
   missing client ID is every client ID.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from iot_policies.actions import Action
from iot_policies.entries import Entry
from iot_policies.grants import Grant
from iot_policies.principal import Principal
from iot_policies.proofs.claims import MustBeRefused, applies, denied_value_of, is_name, levels_for, value_of
from iot_policies.proofs.patterns import (
    BETWEEN,
    NotCovered,
    Pattern,
    Piece,
    Text,
    Variable,
    fill,
    filter_pattern,
    glob_pattern,
    lead,
    levels_of,
    template_levels,
    text_of,
    variables_of,
)
from iot_policies.template import PolicyTemplate

CLIENT_ID = Variable("client_id")
PRINCIPAL = Variable("principal")
_WILD = (("+",), ("#",))
_ACTIONS: Mapping[tuple[str, str], tuple[Action, ...]] = {
    ("Allow", "connect"): ("iot:Connect",),
    ("Allow", "publish"): ("iot:Publish",),
    ("Allow", "retain"): ("iot:Publish", "iot:RetainPublish"),
    ("Allow", "subscribe"): ("iot:Subscribe", "iot:Receive"),
    ("Deny", "connect"): ("iot:Connect",),
    ("Deny", "publish"): ("iot:Publish",),
    ("Deny", "retain"): ("iot:RetainPublish",),
    ("Deny", "subscribe"): ("iot:Subscribe", "iot:Receive"),
    **{(effect, "receive"): ("iot:Receive",) for effect in ("Allow", "Deny")},
    **{(effect, "read"): ("iot:GetRetainedMessage",) for effect in ("Allow", "Deny")},
    **{(effect, "send"): ("iot:SendDirectMessage",) for effect in ("Allow", "Deny")},
}


class Reach(NamedTuple):
    """What one entry says about one action, for one choice of its values."""

    entry: Entry
    action: Action
    levels: tuple[Text, ...]
    """The levels of its topic filter or client ID, filled as far as values are known."""
    reserved: bool = False
    """Whether it denies only what begins with `$`, because of a topic prefix."""

    @property
    def least(self) -> Pattern:
        """What it certainly matches. Raises NotCovered."""
        if self.entry.key == "connect":
            return glob_pattern(_with_any_client_id(self.levels, "*"))
        to = lead(self.levels) if (BETWEEN,) in self.levels else 0
        receiver, topic = _with_any_client_id(self.levels[:to], "*"), _with_any_client_id(self.levels[to:], "+")
        pattern = filter_pattern((*receiver, *topic))
        if not self.reserved:
            return pattern
        start = lead(self.levels)
        reserved = Piece(("$",), open_end=True, loops=pattern[start].loops)
        return (*pattern[:start], reserved, *pattern[start + 1 :])

    @property
    def resource(self) -> Pattern:
        """Its topic filter as a resource, with `*` for each wildcard. Raises NotCovered."""
        levels = tuple(("*",) if level in _WILD and self.entry.key != "connect" else level for level in self.levels)
        return glob_pattern(_with_any_client_id(levels, "*"))

    @property
    def most(self) -> Pattern:
        """What it may match. Raises NotCovered."""
        if self.entry.effect == "Allow" and not is_widened(self.entry):
            return self.least
        pattern = self.resource
        start = lead(self.levels)
        if self.reserved:
            return (*pattern[:start], Piece(("$",), open_end=True, loops=True), *pattern[start + 1 :])
        if self.entry.effect == "Allow" and self.levels[start] in _WILD:
            return (*pattern[:start], Piece((), open_end=True, loops=True, no_dollar=True), *pattern[start + 1 :])
        return pattern


def _with_any_client_id(levels: Iterable[Text], wildcard: str) -> tuple[Text, ...]:
    """Levels in which a missing client ID is every client ID. Raises NotCovered if it is a part of a level."""
    return tuple(_any_client_id(level, wildcard) for level in levels)


def _any_client_id(level: Text, wildcard: str) -> Text:
    if CLIENT_ID not in level:
        return level
    if len(level) > 1:
        raise NotCovered("a deny has {client_id} beside other text in one level, and the client has no client ID")
    return (wildcard,)


def is_widened(entry: Entry) -> bool:
    """Whether `widen` makes an entry allow more than its filter matches."""
    if not isinstance(entry.block, Grant) or not entry.block.widen or entry.key == "connect":
        return False
    levels = entry_levels(entry, "")
    wild = [index for index, level in enumerate(levels) if level in _WILD]
    ends_open = levels[-1] == ("#",)
    return bool(wild) and not (ends_open and len(wild) == len(levels) - wild[0])


def entry_levels(entry: Entry, prefix: str, copy: int = 0) -> tuple[Text, ...]:
    """The levels of an entry with the topic prefix. `copy` is that of its claims."""
    levels = template_levels(entry.text, copy)
    start = lead(levels)
    first = levels[start]
    is_reserved = first != () and isinstance(first[0], str) and first[0].startswith("$")
    if entry.key == "connect" or not prefix or is_reserved:
        return levels
    return (*levels[:start], *levels_of(prefix), *levels[start:])


def reaches(entry: Entry, prefix: str, copy: int = 0) -> Iterator[Reach]:
    """What an entry says about each action, before its values are known."""
    levels = entry_levels(entry, prefix, copy)
    plain = template_levels(entry.text, copy)
    for action in _ACTIONS[entry.effect, entry.key]:
        skip = lead(levels) if action == "iot:Receive" else 0
        yield Reach(entry, action, levels[skip:])
        if prefix and entry.effect == "Deny" and entry.key != "connect" and plain[lead(plain)] in _WILD:
            yield Reach(entry, action, plain[skip:], reserved=True)


class Meaning(NamedTuple):
    """What a template means for one principal."""

    allowed: tuple[Reach, ...]
    denied: tuple[Reach, ...]

    def may_connect(self, client_id: str) -> bool:
        """Whether a client may connect with a client ID if it asks for no more than it may."""
        denied = (each for each in self.denied if each.entry.attributes is None)
        return any(is_client_id(each, client_id) for each in self.allowed) and not any(
            is_client_id(each, client_id) for each in denied
        )


def is_client_id(reach: Reach, client_id: str) -> bool:
    """Whether an entry of `connect` matches a client ID."""
    text = text_of(reach.levels)
    is_beginning = text.endswith("*") and client_id.startswith(text[:-1])
    return reach.action == "iot:Connect" and (is_beginning or client_id == text)


def meaning(template: PolicyTemplate, principal: Principal, client_id: str | None) -> Meaning:
    """What a template means for a principal. Raises MustBeRefused if the principal must get no policy."""
    if not is_name(principal.name) or (client_id is not None and not is_name(client_id)):
        raise MustBeRefused("invalid_name")
    applicable = [applies(block, principal.claims) for block in template.blocks]
    entries = [entry for entry in template.entries if applicable[entry.block_index]]
    found = [
        reach
        for entry in entries
        for values in choices(entry, principal, client_id)
        for reach in _filled(reaches(entry, template.topic_prefix), values)
    ]
    allowed = tuple(reach for reach in found if reach.entry.effect == "Allow")
    if not allowed:
        raise MustBeRefused("nothing_granted")
    return Meaning(allowed, tuple(reach for reach in found if reach.entry.effect == "Deny"))


def _filled(given: Iterable[Reach], values: Mapping[Variable, Text]) -> Iterator[Reach]:
    return (each._replace(levels=fill(each.levels, values)) for each in given)


def choices(entry: Entry, principal: Principal, client_id: str | None) -> Iterator[Mapping[Variable, Text]]:
    """Each way to fill an entry: none if a value is missing. Raises MustBeRefused."""
    variables = variables_of(template_levels(entry.text))
    if client_id is None and entry.effect == "Deny":
        variables = tuple(each for each in variables if each != CLIENT_ID)
    values = [_values(each, entry, principal, client_id) for each in variables]
    for chosen in product(*values):
        yield {variable: (text,) for variable, text in zip(variables, chosen, strict=True)}


def _values(variable: Variable, entry: Entry, principal: Principal, client_id: str | None) -> Sequence[str]:
    if variable == PRINCIPAL:
        return levels_for(principal.name)
    if variable == CLIENT_ID:
        return levels_for(client_id)
    read = value_of if entry.effect == "Allow" else denied_value_of
    return levels_for(read(principal.claims, variable.name.removeprefix("claims.")))
