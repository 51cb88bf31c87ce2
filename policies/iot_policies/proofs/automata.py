"""Decides which texts some patterns match, over levels instead of characters, with a shortest witness.

1. A letter is one level. Two levels that every piece treats alike are one letter, so a finite alphabet is enough: each
   text that a piece wants, one fresh level, one fresh level that begins with `$`, and one for each beginning that a
   piece wants. Why that is complete: a level that no piece wants as a whole is only tested by the beginnings that it
   has. These are all beginnings of the longest one of them, followed by a fresh character.
2. A fresh level has the character FRESH, which no template and no value can have.
3. All patterns of an automaton are in one integer, with one bit for each number of pieces that a pattern has read. A
   step moves the bits whose next piece takes the letter, and keeps the bits behind a piece that loops. Bits of one
   group with the same pieces still to read are one bit; a group that matches any rest needs no other bit.
   Otherwise the number of states would grow exponentially with the values of a list.
4. The search goes breadth first, so the first witness has as few levels as possible. Words may have any length:
   IoT Core's limits only make fewer of them possible.
5. A filter and a topic that it matches are walked together: where the filter reads a text, the topic reads it, too;
   where it reads `+`, the topic reads any level; where it reads `#`, the filter ends and the topic takes one or more
   levels. A wildcard of the filter does not take a level with `$` as the first one of a topic.
6. No wildcard takes the level BETWEEN. Each pattern of a direct message has it once, so each word that it matches does.
7. `$share/NAME/FILTER` is a word of its own, and a topic that it receives has `$share/NAME/` in front. So filters of
   another share name, or of none, do not contain it.
8. The states can still grow exponentially with the values of a list, as for `+/{claims.x}/+/{claims.x}`. So a search
   ends after MOST_STATES: what it looks for is then not known.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TypeVar

from iot_policies.proofs.patterns import BETWEEN, SHARE, NotCovered, Pattern, Piece, literal, text_of

FRESH = "\0"
PLUS, HASH = "+", "#"

MOST_STATES = 50_000
"""A search takes about 2 s for that many. 50 grants of four entries need a few hundred."""

_Node = TypeVar("_Node")
_Step = TypeVar("_Step")

Word = tuple[str, ...]
"""A text, level by level. FRESH is in each level that can have any text."""
Groups = frozenset[str]
"""The names of the groups with a pattern that matches a word."""


class TooManyStates(NotCovered):
    """A search that was not finished."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_STATES:,} states")


class Automaton:
    """Groups of patterns without variables, read at the same time."""

    def __init__(self, groups: Mapping[str, Iterable[Pattern]]) -> None:
        self.start = 0
        """The state in which nothing has been read."""
        self.texts: dict[str, int] = {}
        """The texts that pieces want, with the bits behind these pieces."""
        self.beginnings: dict[tuple[str, bool, bool], int] = {}
        """As `texts`, for pieces with an open end, by their beginning, `no_dollar` and `no_hash`."""
        self._loops = 0
        self._ends: dict[str, int] = dict.fromkeys(groups, 0)
        self._of_group: dict[str, int] = dict.fromkeys(groups, 0)
        self._masks: dict[str, int] = {}
        self._accepted: dict[int, Groups] = {}
        self._reduced: dict[int, int] = {}
        alike: dict[tuple[str, bool, Pattern], int] = {}
        bit = 1
        for name, patterns in groups.items():
            for pattern in dict.fromkeys(patterns):
                self.start |= bit
                for index, piece in enumerate(pattern):
                    bit <<= 1
                    self._add(piece, bit)
                    rest = name, piece.loops, pattern[index + 1 :]
                    alike[rest] = alike.get(rest, 0) | bit
                    self._of_group[name] |= bit
                self._ends[name] |= bit
                bit <<= 1
        self._all_ends = 0
        for ends in self._ends.values():
            self._all_ends |= ends
        self._alike = [bits for bits in alike.values() if bits & (bits - 1)]

    @property
    def states(self) -> int:
        """How many states words have led to so far."""
        return len(set(self._reduced.values()))

    def _add(self, piece: Piece, bit: int) -> None:
        text = literal(piece.text)
        if piece.open_end:
            key = text, piece.no_dollar, piece.no_hash
            self.beginnings[key] = self.beginnings.get(key, 0) | bit
        else:
            self.texts[text] = self.texts.get(text, 0) | bit
        if piece.loops:
            self._loops |= bit

    def step(self, state: int, letter: str) -> int:
        """The state after one more level."""
        mask = self._masks.get(letter)
        if mask is None:
            mask = self._masks[letter] = self._mask(letter)
        return self._reduce(((state << 1) & mask) | (0 if letter == BETWEEN else state & self._loops))

    def _reduce(self, state: int) -> int:
        """A state that matches the same continuations, with fewer bits."""
        found = self._reduced.get(state)
        if found is None:
            found = state
            for bits in self._alike:
                if found & bits:
                    found = (found & ~bits) | (bits & -bits)
            for name, ends in self._ends.items():
                if forever := found & ends & self._loops:
                    found = (found & ~self._of_group[name]) | (forever & -forever)
            self._reduced[state] = found
        return found

    def _mask(self, letter: str) -> int:
        mask = self.texts.get(letter, 0)
        for (beginning, no_dollar, no_hash), bits in self.beginnings.items():
            is_refused = (no_dollar and letter.startswith("$")) or (no_hash and letter == HASH) or letter == BETWEEN
            if letter.startswith(beginning) and not is_refused:
                mask |= bits
        return mask

    def accepted(self, state: int) -> Groups:
        """The groups that match if the text ends here."""
        ends = state & self._all_ends
        found = self._accepted.get(ends)
        if found is None:
            found = self._accepted[ends] = frozenset(name for name, bits in self._ends.items() if bits & ends)
        return found

    def groups_of(self, word: Iterable[str]) -> Groups:
        """The groups that match a word."""
        state = self.start
        for letter in word:
            state = self.step(state, letter)
        return self.accepted(state)


def alphabet(*automata: Automaton) -> tuple[str, ...]:
    """The levels that some automata tell apart, fresh ones first; without `+` and `#`, which no topic has."""
    fresh = [FRESH, f"${FRESH}", *sorted(each + FRESH for automaton in automata for each, _, _ in automaton.beginnings)]
    texts = [text for automaton in automata for text in automaton.texts if PLUS not in text and HASH not in text]
    return tuple(dict.fromkeys((*fresh, *sorted(texts))))


def shortest(automaton: Automaton, wanted: Callable[[Groups], bool]) -> Word | None:
    """A shortest topic, or client ID, whose groups are wanted; None if there is none. Raises TooManyStates.

    A word that no pattern matches is never wanted.
    """
    letters = [(letter, automaton.texts.get(letter, -1)) for letter in alphabet(automaton)]

    def following(state: int) -> Iterator[tuple[str, int]]:
        read = state << 1
        for letter, wanting in letters:  # A text that no next piece wants leads to where a fresh level leads.
            if read & wanting and (after := automaton.step(state, letter)):
                yield letter, after

    found = _search(automaton.start, following, lambda state: wanted(automaton.accepted(state)))
    return None if found is None else tuple(found)


_START, _SHARED, _NAMED, _EMPTY, _FILTER, _ENDED = range(6)
"""How much of a filter has been read: nothing; `$share`; `$share/NAME`; `$share/NAME/`, whose filter is empty, which is
no filter yet; a filter; one that has ended with `#`, while its topic may go on."""
_Filters = tuple[int, int, int]


def shortest_filter(
    filters: Automaton, wanted: Callable[[Groups, Groups], bool], topics: Automaton | None = None
) -> tuple[Word, Word] | None:
    """A shortest topic filter and a topic that it matches, whose groups are wanted; None if there are none.

    `wanted` gets the groups of `filters` that match the filter, and those of `topics` that match the topic; without
    `topics`, none. A filter that no pattern matches is never wanted.
    """
    beside = topics or Automaton({})
    letters = alphabet(filters, beside)
    steps = {phase: _by_read(_steps(phase, letters, letters if topics else (FRESH,))) for phase in range(6)}

    def following(node: _Filters) -> Iterator[tuple[tuple[str | None, str], _Filters]]:
        state, topic, phase = node
        for read, pairs in steps[phase].items():
            after = state if read is None else filters.step(state, read)
            for written, then in pairs if after else ():
                yield (read, written), (after, beside.step(topic, written), then)

    def is_wanted(node: _Filters) -> bool:
        return node[2] >= _FILTER and wanted(filters.accepted(node[0]), beside.accepted(node[1]))

    found = _search((filters.start, beside.start, _START), following, is_wanted)
    if found is None:
        return None
    return tuple(read for read, _ in found if read is not None), tuple(written for _, written in found)


def _by_read(steps: Iterable[tuple[str | None, str, int]]) -> Mapping[str | None, Sequence[tuple[str, int]]]:
    """Steps by what the filter reads."""
    found: dict[str | None, list[tuple[str, int]]] = {}
    for read, written, then in steps:
        found.setdefault(read, []).append((written, then))
    return found


def _steps(phase: int, letters: Iterable[str], for_wildcards: Iterable[str]) -> Iterator[tuple[str | None, str, int]]:
    """What a filter reads next, what a topic that it matches reads, and the phase after that."""
    if phase == _ENDED:
        yield from ((None, letter, phase) for letter in for_wildcards)
        return
    if phase == _SHARED:
        yield from ((letter, letter, _NAMED) for letter in letters if letter != "")
        return
    for letter in letters:
        if phase == _START and letter == SHARE:
            yield letter, letter, _SHARED
        else:
            yield letter, letter, _EMPTY if phase == _NAMED and letter == "" else _FILTER
    for letter in for_wildcards:
        if not (phase in (_START, _NAMED) and letter.startswith("$")):
            yield PLUS, letter, _FILTER
            yield HASH, letter, _ENDED


def _search(
    start: _Node, following: Callable[[_Node], Iterable[tuple[_Step, _Node]]], wanted: Callable[[_Node], bool]
) -> list[_Step] | None:
    """The steps to a nearest node that is wanted, breadth first. Raises TooManyStates."""
    before: dict[_Node, tuple[_Step, _Node] | None] = {start: None}
    waiting = [start]
    for node in waiting:  # It grows meanwhile.
        if wanted(node):
            return _path(before, node)
        if len(waiting) > MOST_STATES:
            raise TooManyStates
        for step, after in following(node):
            if after not in before:
                before[after] = step, node
                waiting.append(after)
    return None


def _path(before: Mapping[_Node, tuple[_Step, _Node] | None], node: _Node) -> list[_Step]:
    steps: list[_Step] = []
    while (found := before[node]) is not None:
        step, node = found
        steps.append(step)
    return steps[::-1]


def readable(word: Word, avoid: Collection[str] = ()) -> str:
    """A word as a text, with TO in a direct message.

    Each fresh level reads `any`, or another word if `avoid` has that one.
    """
    names = ("any" if number == 0 else f"any{number}" for number in count())
    name = next(each for each in names if each not in avoid)
    return text_of([(level.replace(FRESH, name),) for level in word])
