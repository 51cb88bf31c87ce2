"""Finds the values under which two patterns with placeholders match a common text: `meet`.

1. Both patterns are walked level by level. A level that both want as a text makes an equation between two texts. All
   equations of one walk must hold together; every walk that reaches both ends gives solutions.
2. Equal variables are equal values: the principal and the client ID are the same in both patterns, and a claim is if
   its variables have the same copy. Give claims of another entry another copy: a list has several values.
3. An equation is solved from the left. A variable before a string is its first character, or begins with it. Of two
   variables, they are equal, or one begins with the other. So the solutions are all solutions, in finitely many
   substitutions: each step makes the equation shorter if no variable occurs twice in it.
4. A variable that occurs twice, such as `{principal}` in `a{principal}` and `{principal}a`, can need very many
   substitutions, one for each length. Equations that are not solved within MOST_STEPS are not covered.
5. A substitution with a value that no placeholder can have is left out: a value is not empty, has none of
   `/ + # * ? $`, and has at most 128 bytes. Other rules for values are not used: then a substitution is found that no
   principal has, which is never wrong, only more than needed.
6. An open end is a variable of its own that may have any characters but a slash, and may be missing.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from iot_policies.proofs.patterns import (
    BETWEEN,
    UNSAFE,
    NotCovered,
    Pattern,
    Piece,
    Text,
    Variable,
    join,
    replaced,
    show,
)

Substitution = Mapping[Variable, Text]
"""Texts for variables, in which none of these variables occurs. A variable that is missing can have any value."""

MOST_STEPS = 1000
"""The steps that one `meet` or `unify` may take."""
LONGEST_VALUE = 128
_BETWEEN = Piece((BETWEEN,))
_REST, _OPEN = "part", "open end"
_numbers = count()
"""Solutions can be put into new equations, so parts are numbered for all of them."""


def unify(equations: Iterable[tuple[Text, Text]]) -> list[Substitution]:
    """All substitutions under which each of some pairs of texts is equal; empty if there is none. Raises NotCovered."""
    solver = _Solver()
    found: list[Substitution] = [{}]
    for left, right in equations:
        found = [each for known in found for each in solver.equal(left, right, known)]
    return _distinct(found)


def meet(one: Pattern, other: Pattern, *, every: bool = False) -> list[Substitution]:
    """All substitutions under which two patterns match a common text; empty if there is none. Raises NotCovered.

    `every` also returns those that a more general one makes superfluous: other texts are common under them.
    """
    solver = _Solver()
    found: list[Substitution] = []
    waiting: list[tuple[int, int, Substitution]] = [(0, 0, {})]
    seen = set()
    while waiting:
        here, there, known = waiting.pop()
        key = here, there, frozenset(known.items())
        if key in seen:
            continue
        seen.add(key)
        solver.count()
        if here == len(one) and there == len(other):
            found.append(known)
        if here < len(one) and there < len(other):
            waiting += [(here + 1, there + 1, each) for each in solver.both(one[here], other[there], known)]
        if here < len(one) and there and other[there - 1].loops and one[here] != _BETWEEN:
            waiting.append((here + 1, there, known))
        if there < len(other) and here and one[here - 1].loops and other[there] != _BETWEEN:
            waiting.append((here, there + 1, known))
    return _distinct(found, every=every)


class _Solver:
    """Solves equations between texts, and counts the steps."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def count(self) -> None:
        """Takes one step. Raises NotCovered."""
        self._left -= 1
        if self._left < 0:
            raise NotCovered("placeholders in one level on both sides have too many solutions")

    def both(self, one: Piece, other: Piece, known: Substitution) -> Iterator[Substitution]:
        """The substitutions under which two pieces take a common level."""
        for piece, rest in ((one, other), (other, one)):
            if (piece.no_dollar and _has_dollar(rest.text)) or (piece.no_hash and rest == Piece(("#",))):
                return
            if piece.open_end and rest == _BETWEEN:
                return
        if not one.open_end and not other.open_end:
            yield from self.equal(one.text, other.text, known)
            return
        if (one.open_end and one.text == ()) or (other.open_end and other.text == ()):
            yield known
            return
        yield from self.equal(one.text, other.text, known)
        if one.open_end:
            yield from self.equal((*one.text, self._new(_OPEN)), other.text, known)
        if other.open_end:
            yield from self.equal(one.text, (*other.text, self._new(_OPEN)), known)

    def equal(self, left: Text, right: Text, known: Substitution) -> Iterator[Substitution]:
        """The substitutions under which two texts are equal, each together with what is known."""
        for found in self._solve(replaced(left, known), replaced(right, known), {}):
            both = {name: replaced(text, found) for name, text in known.items()} | found
            if all(_is_possible(name, text) for name, text in both.items()):
                self.count()
                yield both

    def _solve(self, left: Text, right: Text, found: dict[Variable, Text]) -> Iterator[dict[Variable, Text]]:
        self.count()
        left, right = _without_common_start(left, right)
        if not left or not right:
            if left == right:
                yield found
            return
        for step in self._heads(left, right):
            then = {name: replaced(text, step) for name, text in found.items()} | step
            if all(_is_possible(name, text) for name, text in then.items()):
                yield from self._solve(replaced(left, step), replaced(right, step), then)

    def _heads(self, left: Text, right: Text) -> Iterator[dict[Variable, Text]]:
        """What the variables at the beginnings of two texts can be; nothing if the texts cannot be equal."""
        for mine, others in ((left, right), (right, left)):
            if len(mine) == 1 and isinstance(mine[0], Variable):
                if mine[0] not in others:  # Otherwise one side is longer than the other for every value.
                    yield self._whole(mine[0], others)
                return
        first, second = left[0], right[0]
        if isinstance(first, Variable) and isinstance(second, Variable):
            yield {first: (second,)}
            yield {first: (second, self._new(_REST))}
            yield {second: (first, self._new(_REST))}
        elif isinstance(first, Variable):
            yield from self._of_string(first, str(second))
        elif isinstance(second, Variable):
            yield from self._of_string(second, first)

    def _whole(self, variable: Variable, text: Text) -> dict[Variable, Text]:
        """A variable as a text. An open end in that text is then part of a value."""
        closed: dict[Variable, Text] = {}
        if variable.name != _OPEN:
            opened = (part for part in text if isinstance(part, Variable) and part.name == _OPEN)
            closed = {part: (self._new(_REST),) for part in opened}
        return closed | {variable: replaced(text, closed)}

    def _of_string(self, variable: Variable, string: str) -> Iterator[dict[Variable, Text]]:
        """A variable as a beginning of a string, or as the string and more."""
        for end in range(1, len(string) + 1):
            yield {variable: (string[:end],)}
        yield {variable: (string, self._new(_REST))}

    @staticmethod
    def _new(kind: str) -> Variable:
        return Variable(kind, next(_numbers))


def _without_common_start(left: Text, right: Text) -> tuple[Text, Text]:
    while left and right:
        first, second = left[0], right[0]
        if isinstance(first, str) and isinstance(second, str):
            length = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
            if length is not None:
                break
            shorter = min(len(first), len(second))
            left, right = join((first[shorter:], *left[1:])), join((second[shorter:], *right[1:]))
        elif first == second:
            left, right = left[1:], right[1:]
        else:
            break
    return left, right


def _has_dollar(text: Text) -> bool:
    return text != () and isinstance(text[0], str) and text[0].startswith("$")


def _is_possible(variable: Variable, text: Text) -> bool:
    """Whether a value can be this text."""
    if variable.name == _OPEN:
        return True
    strings = "".join(part if isinstance(part, str) else "x" for part in text)  # A part has one byte or more.
    return not any(sign in strings for sign in UNSAFE) and len(strings.encode()) <= LONGEST_VALUE


def _distinct(found: Iterable[Substitution], *, every: bool = False) -> list[Substitution]:
    """Without open ends and duplicates. A substitution that replaces nothing makes all others superfluous."""
    kept: dict[frozenset[tuple[Variable, Text]], Substitution] = {}
    for each in found:
        named = {variable: text for variable, text in each.items() if not is_part(variable)}
        kept[frozenset(named.items())] = named
    return [{}] if frozenset() in kept and not every else list(kept.values())


def is_part(variable: Variable) -> bool:
    """Whether a variable in a substitution is a part of a value, of any characters that values can have."""
    return variable.name in (_REST, _OPEN)


def show_substitution(found: Substitution) -> str:
    """A substitution for people: `claims.rooms = lobby`."""
    return ", ".join(f"{variable.name} = {show(text)}" for variable, text in found.items()) or "every value"
