"""Compares resource patterns and topic filters character by character. Imports only the standard library.

1. A pattern is a list of tokens: a character; ANY, any characters; LEVEL, any characters but slashes. LEAD comes before
   ANY or LEVEL as the first level of a topic, and takes no `$`. None of the three takes TO, which is once in a direct
   message.
2. All patterns are read at once, breadth first. So the text that is found is a shortest one.
3. A topic filter is read with its grammar: `+` and `#` are whole levels, and `#` is the last one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from iot_authorizer_cli.checking.template_lines import TO

FRESH = "\0"
"""A character that is in no pattern."""
_ANY, _LEVEL, _LEAD = "any", "level", "lead"
Tokens = tuple[str, ...]
Groups = frozenset[str]


def of_glob(text: str) -> Tokens:
    """A resource of a policy, behind its type."""
    return tuple(_ANY if character == "*" else character for character in text)


def of_filter(text: str, *, reserved: bool = False) -> Tokens:
    """A topic filter; with `reserved`, its first wildcard takes only what begins with `$`."""
    tokens: list[str] = []
    levels = text.split("/")
    lead = 2 if levels[0] == "$share" and len(levels) > 2 else 0
    for index, level in enumerate(levels):
        tokens += ["/"] * (index > 0)
        if level in ("+", "#"):
            tokens += ["$" if reserved else _LEAD] * (index == lead) + [_ANY if level == "#" else _LEVEL]
        else:
            tokens += level
    return tuple(tokens)


def widest(tokens: Tokens) -> Tokens:
    """The resource of a deny with these tokens: each wildcard takes any characters."""
    return tuple(_ANY if token == _LEVEL else token for token in tokens if token != _LEAD)


class _Place(NamedTuple):
    """What one pattern has still to read. Patterns of one group with the same rest are one."""

    group: str
    rest: Tokens

    def moved(self, steps: int) -> "_Place":
        return _Place(self.group, self.rest[steps:])

    @property
    def token(self) -> str:
        return self.rest[0] if self.rest else ""


_State = tuple[frozenset[_Place], str]
"""Places, and what the last character of a filter was: START of a level, TEXT, or `+` or `#`."""
_START, _TEXT = "start", "text"


def find(
    groups: Mapping[str, Iterable[Tokens]], wanted: Callable[[Groups], bool], *, filters: bool = False, begin: str = ""
) -> str | None:
    """A shortest text that begins with `begin` and whose groups are wanted; None if there is none."""
    places = frozenset(_Place(name, tokens) for name, patterns in groups.items() for tokens in patterns)
    state: _State = (_closure(places), _START)
    for character in begin:
        state = (_closure(_read(state[0], character)), _START)
    words: dict[_State, str] = {state: begin}
    waiting = [state]
    for state in waiting:  # It grows meanwhile.
        word = words[state]
        is_share = filters and word.startswith("$share") and not begin
        if word != begin and not is_share and wanted(frozenset(each.group for each in state[0] if not each.token)):
            return word
        for character, last in _following(state, filters=filters) if not is_share else ():
            after = (_closure(_read(state[0], character)), last)
            if after[0] and after not in words:
                words[after] = word + character
                waiting.append(after)
    return None


def _following(state: _State, *, filters: bool) -> Iterator[tuple[str, str]]:
    """The characters that can follow, and what they are in the grammar of filters."""
    places, last = state
    texts = {place.token for place in places if len(place.token) == 1} | {FRESH, "$"}
    if last != "#":
        yield "/", _START
    if last in (_START, _TEXT):
        yield from ((character, _TEXT) for character in sorted(texts - {"/", "+", "#"}))
    if last == _START and filters:
        yield from (("+", "+"), ("#", "#"))


def _closure(places: Iterable[_Place]) -> frozenset[_Place]:
    """With the places behind tokens that may take nothing. A group that matches any rest needs no others."""
    found = set(places)
    waiting = list(found)
    for place in waiting:  # It grows meanwhile.
        skipped = {_ANY: 1, _LEVEL: 1, _LEAD: 2}.get(place.token)
        if skipped is not None and (after := place.moved(skipped)) not in found:
            found.add(after)
            waiting.append(after)
    certain = {place.group for place in found if place.rest == (_ANY,)}
    return frozenset(place for place in found if place.group not in certain or place.rest in ((_ANY,), ()))


def _read(places: Iterable[_Place], character: str) -> Iterator[_Place]:
    for place in places:
        token = place.token
        if token == character:
            yield place.moved(1)
        elif character != TO and (token == _ANY or (token == _LEVEL and character not in "/#")):
            yield place
        elif token == _LEAD and character not in ("$", TO):
            follows = place.moved(1)
            if follows.token == _ANY or character not in "/#":
                yield follows
