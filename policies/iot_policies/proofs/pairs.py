"""Each pair of entries: no denial that belongs to one entry takes away what another entry allows.

Let d be a denial of entry j, and i another entry of the same action. `meet` finds all values under which d and i have a
topic or filter in common. The claims of i and j have different variables, since a list has several values.

1. *Apart*: there are no such values.
2. *Inside*: under these values, an entry k contains j, j does not contain k, and k is present whenever i and j are: it
   is in one of their blocks, or its `when` holds then, and its claims are claims of theirs. Then the compiler leaves j
   and its denials out, since k covers it. The denials of k are in pairs of their own. (k can be i.)
3. Neither: then the policy of a principal with these values shows a difference, or the pair is not covered.

The rule about left-out entries is the compiler's, so each case of *inside* is also tried with a real principal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

from iot_policies.actions import Action
from iot_policies.entries import Entry
from iot_policies.proofs.lemma import Levels, Rendered
from iot_policies.proofs.meaning import reaches
from iot_policies.proofs.patterns import (
    NotCovered,
    Pattern,
    Text,
    Variable,
    fill,
    filter_pattern,
    glob_pattern,
    lead,
    variables_of,
)
from iot_policies.proofs.unification import Substitution, meet
from iot_policies.when import Condition

DENYING, REACHED = 1, 2
"""The copies of the claims of the entry whose denial it is, and of the entry that it reaches."""


class Meeting(NamedTuple):
    """Values under which a denial of one entry reaches another entry."""

    denying: Entry
    reached: Entry
    action: Action
    denial: Levels
    values: Substitution
    inside: Entry | None
    """The entry because of which the denial is left out; None if there is none."""


class Side(NamedTuple):
    """An entry of a grant, as one side of a pair, for one action."""

    entry: Entry
    levels: Levels
    """With the copy REACHED."""
    pattern: Pattern
    """That of `levels`."""
    denials: tuple[tuple[Levels, Pattern], ...]
    """Its denials, with the copy DENYING."""

    def as_denying(self) -> Levels:
        """Its levels with the copy DENYING."""
        return with_copy(self.levels, DENYING)


Reason = Literal["apart", "inside", "neither"]


def sides(rendered: Mapping[Entry, Mapping[Action, Rendered]], prefix: str) -> dict[Action, list[Side]]:
    """The entries of grants about topics, by action. Raises NotCovered."""
    found: dict[Action, list[Side]] = {}
    for entry, by_action in rendered.items():
        if entry.effect == "Allow" and entry.key != "connect":
            for reach in reaches(entry, prefix, REACHED):
                denied = (with_copy(levels, DENYING) for levels in by_action[reach.action].denied)
                denials = tuple((levels, glob_pattern(levels)) for levels in denied)
                side = Side(entry, reach.levels, filter_pattern(reach.levels), denials)
                found.setdefault(reach.action, []).append(side)
    return found


def with_copy(levels: Iterable[Text], copy: int) -> Levels:
    """Levels with another copy of the claims."""
    levels = tuple(levels)
    claims = [each for each in variables_of(levels) if each.name.startswith("claims.")]
    return fill(levels, {each: (each._replace(copy=copy),) for each in claims})


def meetings(denying: Side, reached: Side, action: Action, others: Sequence[Side]) -> Iterator[Meeting]:
    """The values under which denials of one entry reach another one; none if they are apart. Raises NotCovered."""
    for levels, pattern in denying.denials:
        try:
            found = meet(pattern, reached.pattern)
        except NotCovered as problem:
            raise NotCovered(f"{denying.entry} and {reached.entry}: {problem}") from None
        for values in found:
            inside = next((each.entry for each in others if _is_inside(denying, reached, each, values)), None)
            yield Meeting(denying.entry, reached.entry, action, levels, values, inside)


def _is_inside(denying: Side, reached: Side, outer: Side, values: Substitution) -> bool:
    """Whether an entry contains the denying one under these values, and is always present with both."""
    if outer.entry is denying.entry or not _is_present(outer.entry, denying.entry, reached.entry):
        return False
    inner = fill(denying.as_denying(), values)
    known = variables_of((*denying.as_denying(), *reached.levels))
    return any(
        _contains(candidate, inner) and not _contains(inner, candidate)
        for candidate in _instances(outer.levels, known, values)
    )


def _instances(levels: Levels, known: Sequence[Variable], values: Substitution) -> Iterator[Levels]:
    """An entry with its claims as values that the principal certainly has; none if it has another claim."""
    variables = variables_of(levels)
    options = [[each for each in known if each.name == variable.name] for variable in variables]
    for chosen in product(*options):
        renamed = {variable: (each,) for variable, each in zip(variables, chosen, strict=True)}
        yield fill(fill(levels, renamed), values)


def _contains(outer: Levels, inner: Levels) -> bool:
    """Whether a filter contains another one for every value of what is not known."""
    start = lead(outer)
    if outer[start] in (("+",), ("#",)):
        first = inner[min(start, len(inner) - 1)]
        if first != () and isinstance(first[0], str) and first[0].startswith("$"):
            return False
    for index, level in enumerate(outer):
        if index >= len(inner):
            return False
        if level == ("#",):
            return True
        if inner[index] == ("#",) or (level != ("+",) and level != inner[index]):
            return False
    return len(outer) == len(inner)


def _is_present(entry: Entry, *others: Entry) -> bool:
    """Whether an entry's block applies whenever those of the others do."""
    if entry.block.when is None or any(each.block_index == entry.block_index for each in others):
        return True
    conditions = [each.block.when or {} for each in others]
    return all(
        any(name in each and _implies(each[name], wanted) for each in conditions)
        for name, wanted in entry.block.when.items()
    )


def _implies(one: Condition, other: Condition) -> bool:
    """Whether a claim that meets one condition of a grant certainly meets another one."""
    mine, others = (each if isinstance(each, tuple) else (each,) for each in (one, other))
    return {(type(each), each) for each in mine} <= {(type(each), each) for each in others}
