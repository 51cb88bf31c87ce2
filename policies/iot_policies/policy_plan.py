"""A plan: all that a policy is compiled of. A template is one, with what people read about it in addition.

A plan is made when a template is loaded, or before that: `build` writes it as JSON, and the Lambda reads it without the
modules that check templates. Nothing is checked again: a plan is read only where its template is the one that it was
made of (`iot_authorizer.preparation`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from iot_policies.actions import Effect
from iot_policies.packing import Heading
from iot_policies.principal import Claims
from iot_policies.session_times import SessionTimes
from iot_policies.when import When, unmet

_MOST_FILLINGS = 64
"""A plan keeps so many: few templates have principals of as many kinds."""


class PlannedContainer(NamedTuple):
    """A rule that can contain the resources of a part. For a principal for whom it does, these are redundant."""

    block: int
    """The index of its grant in the template's blocks."""
    names: tuple[str, ...]
    """What fills the placeholders of `levels`, in the order of their numbers."""
    levels: tuple[str, ...]
    """Its levels that are no wildcards, with numbered placeholders."""
    contained: tuple[str, ...]
    """The levels of the part in the same places. If they equal `levels`, it is contained."""


class Part(NamedTuple):
    """Resources of a statement that come from one grant or deny and have the same placeholders."""

    block: int
    """The index of the grant or deny in the template's blocks."""
    names: tuple[str, ...]
    """What fills the placeholders, in the order of their numbers."""
    patterns: tuple[str, ...]
    """The resources, with numbered placeholders."""
    containers: tuple[PlannedContainer, ...]
    """The rules that can contain them."""


class StatementPlan(NamedTuple):
    """A statement before it is filled for a principal; parts whose block does not apply are left out then."""

    heading: Heading
    parts: tuple[Part, ...]


class Source(NamedTuple):
    """What fills the placeholders of some resources, and the rules that can contain these resources."""

    names: tuple[str, ...]
    containers: tuple[PlannedContainer, ...]


class Filling(NamedTuple):
    """A plan for the principals to whom the same blocks apply: only what applies, and in the order of its work."""

    sources: tuple[Source, ...]
    uses: tuple[int, ...]
    """How many patterns each source fills."""
    statements: tuple[tuple[Heading, tuple[tuple[int, str], ...]], ...]
    """The patterns of each statement, each with the index of its source."""


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    """The prepared statements of a template, the same for all principals."""

    principal_claim: str
    """The claim of a token that names the principal."""
    session: SessionTimes
    whens: tuple[tuple[Effect, When | None], ...]
    """Which principals each block applies to: its effect, and its `when`; None for all. Grants first, then denies."""
    statements: tuple[StatementPlan, ...]
    """What `compile_policy` fills."""
    denied_claims: tuple[tuple[int, str], ...]
    """The claims that placeholders of denies read, each with the index of its deny in the blocks."""
    _fillings: dict[tuple[bool, ...], Filling] = field(default_factory=dict, init=False, compare=False, repr=False)

    def applying(self, claims: Claims) -> tuple[bool, ...]:
        """Whether each block applies to a principal with these claims. Raises as `when.unmet` does."""
        return tuple([when is None or not unmet(when, claims, effect) for effect, when in self.whens])

    def filling(self, applies: tuple[bool, ...]) -> Filling:
        """The plan for principals to whom these blocks apply, kept for the next one."""
        known = self._fillings.get(applies)
        if known is None:
            if len(self._fillings) >= _MOST_FILLINGS:
                self._fillings.clear()
            known = self._fillings[applies] = _filling(self.statements, applies)
        return known

    def to_json(self) -> dict[str, object]:
        """The plan in JSON. Tuples are lists there."""
        session = self.session
        return {
            "principal_claim": self.principal_claim,
            "session": (session.disconnect_after, session.refresh_after, session.spread),
            "whens": self.whens,
            "statements": [
                (heading.effect, heading.actions, heading.condition, parts) for heading, parts in self.statements
            ],
            "denied_claims": self.denied_claims,
        }

    @classmethod
    def of_json(cls, plan: Mapping[str, Any]) -> Self:
        """The plan that `to_json` wrote."""
        return cls(
            plan["principal_claim"],
            SessionTimes(*plan["session"]),
            tuple((effect, None if when is None else _when(when)) for effect, when in plan["whens"]),
            tuple(
                StatementPlan(Heading(effect, tuple(actions), condition), tuple(map(_part, parts)))
                for effect, actions, condition, parts in plan["statements"]
            ),
            tuple((block, name) for block, name in plan["denied_claims"]),
        )


def _filling(statements: Iterable[StatementPlan], applies: tuple[bool, ...]) -> Filling:
    indices: dict[Source, int] = {}
    found: list[tuple[Heading, tuple[tuple[int, str], ...]]] = []
    for heading, parts in statements:
        entries: list[tuple[int, str]] = []
        for block, names, patterns, containers in parts:
            if applies[block]:
                source = Source(names, tuple(each for each in containers if applies[each.block]))
                index = indices.setdefault(source, len(indices))
                entries += [(index, pattern) for pattern in patterns]
        if entries:
            found.append((heading, tuple(entries)))
    uses = Counter(index for _, entries in found for index, _ in entries)
    return Filling(tuple(indices), tuple(uses[index] for index in indices.values()), tuple(found))


def _when(when: Mapping[str, Any]) -> When:
    return {name: tuple(wanted) if isinstance(wanted, list) else wanted for name, wanted in when.items()}


def _part(part: Iterable[Any]) -> Part:
    block, names, patterns, containers = part
    planned = (
        PlannedContainer(outer, tuple(its), tuple(levels), tuple(contained))
        for outer, its, levels, contained in containers
    )
    return Part(block, tuple(names), tuple(patterns), tuple(planned))
