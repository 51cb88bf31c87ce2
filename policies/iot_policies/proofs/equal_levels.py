"""Which levels of two entries can be equal, so that an example principal can make them equal.

1. Two entries are related if they can have a resource in common; each entry is related to itself.
2. For two related entries: every set of equations between levels that can be at the same place. With more than
   MOST_EQUATIONS of them: each one, each two, and all.
3. Also each equation between levels at different places, levels that are exchanged, and levels that are equal only if
   they are joined, since a fault of the compiler may compare them.
4. Two client IDs have no levels, so the values under which they meet are all ways to be equal.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

from iot_policies.entries import Entry
from iot_policies.proofs.meaning import Reach, reaches
from iot_policies.proofs.patterns import NotCovered, Pattern, Text, glob_pattern, variables_of
from iot_policies.proofs.unification import Substitution, meet, unify

MOST_EQUATIONS = 5
_WILD = (("+",), ("#",))
_Equations = tuple[tuple[Text, Text], ...]


def related(entries: Sequence[Entry], prefix: str) -> Iterator[tuple[Entry, Entry]]:
    """The entries that can have a resource in common, each also with itself. Raises NotCovered."""
    first, second = ([[*_globs(entry, prefix, copy)] for entry in entries] for copy in (1, 2))
    for number, one in enumerate(entries):
        for other in range(number, len(entries)):
            if other == number or _can_meet(first[number], second[other]):
                yield one, entries[other]


def equalities(one: Entry, other: Entry, prefix: str) -> Iterator[Substitution]:
    """What makes levels of two entries equal: nothing first, then every set of equations. Raises NotCovered.

    The claims of the first entry have the copy 1, those of the other one the copy 2.
    """
    forms = product(reaches(one, prefix, 1), reaches(other, prefix, 2))
    alike = [(mine.levels, its.levels) for mine, its in forms if _kind(mine) == _kind(its)]
    equations = dict.fromkeys(pair for levels in alike for pair in _equations(*levels, aligned=True))
    others = dict.fromkeys(pair for levels in alike for pair in _equations(*levels, aligned=False))
    moved = [each for levels in alike for each in _moved(*levels)]
    for chosen in (*_subsets([*equations]), *((each,) for each in others), *moved):
        yield from unify(chosen)
    if one.key == other.key == "connect":
        ((_, mine),), ((_, its),) = _globs(one, prefix, 1), _globs(other, prefix, 2)
        yield from meet(mine, its, every=True)


def _globs(entry: Entry, prefix: str, copy: int) -> Iterator[tuple[str, Pattern]]:
    """The types of resources that an entry has, with the patterns of its resources."""
    for reach in reaches(entry, prefix, copy):
        levels = tuple(("*",) if level in _WILD and entry.key != "connect" else level for level in reach.levels)
        yield _kind(reach), glob_pattern(levels)


def _kind(reach: Reach) -> str:
    kinds = {"iot:Connect": "client", "iot:Subscribe": "topicfilter", "iot:SendDirectMessage": "message"}
    return kinds.get(reach.action, "topic")


def _can_meet(one: Iterable[tuple[str, Pattern]], other: Sequence[tuple[str, Pattern]]) -> bool:
    try:
        return any(kind == that and meet(mine, its) for kind, mine in one for that, its in other)
    except NotCovered:
        return True


def _equations(one: Sequence[Text], other: Sequence[Text], *, aligned: bool) -> Iterator[tuple[Text, Text]]:
    """The pairs of levels that can be equal, but are not for every value, and can be at one place or cannot."""
    for (here, mine), (there, others) in product(enumerate(one), enumerate(other)):
        shifts = (there > here and _is_wild_before(one, here)) or (here > there and _is_wild_before(other, there))
        is_text = mine != others and not {mine, others} & {*_WILD, ("*",)}
        can_be_equal = is_text and variables_of((mine, others)) != ()
        if (here == there or shifts) is aligned and can_be_equal and unify([(mine, others)]):
            yield mine, others


def _moved(one: Sequence[Text], other: Sequence[Text]) -> Iterator[_Equations]:
    """Equations under which two levels are exchanged, or two levels are equal only if they are joined."""
    both = [*enumerate(zip(one, other, strict=False))]
    for (here, (mine, its)), (there, (my_other, its_other)) in combinations(both, 2):
        if variables_of((mine, my_other)) and variables_of((its, its_other)):
            yield (mine, its_other), (my_other, its)
            if there == here + 1:
                yield (mine, ("ann",)), (my_other, ("eoak",)), (its, ("anne",)), (its_other, ("oak",))


def _is_wild_before(levels: Sequence[Text], index: int) -> bool:
    return any(level in _WILD for level in levels[:index])


def _subsets(equations: Sequence[tuple[Text, Text]]) -> Iterator[_Equations]:
    sizes = range(len(equations) + 1) if len(equations) <= MOST_EQUATIONS else (0, 1, 2, len(equations))
    for size in sizes:
        yield from combinations(equations, size)
