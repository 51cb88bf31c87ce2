"""Finds a topic, topic filter or client ID that one template allows a principal and another one does not.

1. What a template allows is read from its meaning: an entry of a grant allows what its filter matches; an entry of a
   deny denies what its resource pattern matches, which may be more than its filter.
2. To publish with RETAIN needs to be allowed to publish, too.
3. A subscription is allowed if it lies within one entry.
4. A CONNECT asks for a client ID, which is then the value of `{client_id}`: `connect = ["{client_id}"]` allows every
   client ID that is one plain level. `{client_id}` beside other text matches no client ID.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from iot_policies.actions import Action
from iot_policies.proofs.automata import Automaton, Groups, Word, shortest, shortest_filter
from iot_policies.proofs.languages import SUBSETS, Attributes, allowing, denying
from iot_policies.proofs.meaning import CLIENT_ID, Meaning, Reach
from iot_policies.proofs.patterns import Pattern, Piece, Variable

NOTHING = Meaning((), ())
"""What a template means for a principal that gets no policy."""


class Decision(NamedTuple):
    """What is allowed by one template only."""

    word: Word
    attributes: Attributes = frozenset()
    """For a client ID: what the CONNECT asks for."""


class Compared(NamedTuple):
    """What two templates mean for one principal with one client ID."""

    allowing: Meaning
    refusing: Meaning
    client_id: str | None
    """A word that no template has, or None."""

    def first(
        self, action: Action, within: Iterable[Reach] | None = None, without: Iterable[Reach] = ()
    ) -> Decision | None:
        """A shortest word that only `allowing` allows; None if there is none. Raises NotCovered.

        `within` limits the search to words that one of its entries matches, `without` to words that none matches.
        """
        within, without = None if within is None else [*within], [*without]
        for attributes in SUBSETS if action == "iot:Connect" else SUBSETS[:1]:
            word = self._first(action, attributes, within, without)
            if word is not None:
                return Decision(word, attributes)
        return None

    def _first(
        self, action: Action, asked: Attributes, within: Sequence[Reach] | None, without: Sequence[Reach]
    ) -> Word | None:
        needed: tuple[Action, ...] = ("iot:Publish", action) if action == "iot:RetainPublish" else (action,)
        groups: dict[str, set[Pattern]] = {}
        for side, meant in ((_ALLOWING, self.allowing), (_REFUSING, self.refusing)):
            for each in needed:
                allowed = (reach for reach in meant.allowed if asked in allowing(reach))
                denied = (reach for reach in meant.denied if asked in denying(reach))
                groups[f"{side} allowed {each}"] = self._patterns(allowed, (each,))
                groups[f"{side} denied {each}"] = self._patterns(denied, (each,))
        names = [f"{effect} {each}" for effect in ("allowed", "denied") for each in needed]
        if all(groups[f"{_ALLOWING} {name}"] == groups[f"{_REFUSING} {name}"] for name in names):
            return None  # The quick way for nearly all principals that are compared.
        groups |= {"within": self._patterns(within or (), needed), "without": self._patterns(without, needed)}

        def is_wanted(found: Groups) -> bool:
            return (
                _permits(found, _ALLOWING, needed)
                and not _permits(found, _REFUSING, needed)
                and (within is None or "within" in found)
                and "without" not in found
            )

        automaton = Automaton(groups)
        if action != "iot:Subscribe":
            return shortest(automaton, is_wanted)
        pair = shortest_filter(automaton, lambda found, _: is_wanted(found))
        return None if pair is None else pair[0]

    def _patterns(self, reaches: Iterable[Reach], actions: Iterable[Action]) -> set[Pattern]:
        mine = [reach for reach in reaches if reach.action in actions]
        if "iot:Connect" not in actions:
            return {reach.most for reach in mine}
        return {pattern for reach in mine for pattern in client_id_patterns(reach, self.client_id)}


_ALLOWING, _REFUSING = "allowing", "refusing"


def _permits(found: Groups, side: str, actions: Iterable[Action]) -> bool:
    return all(f"{side} allowed {each}" in found and f"{side} denied {each}" not in found for each in actions)


def client_id_patterns(reach: Reach, client_id: str | None) -> Iterator[Pattern]:
    """The pattern of an entry of `connect`; none if it matches no client ID. `client_id` is what fills its placeholder.

    Raises NotCovered.
    """
    parts = [part for level in reach.levels for part in level]
    if reach.levels in (((CLIENT_ID,),), ((client_id,),)):
        yield (Piece((), open_end=True, no_dollar=True),)
    elif not any(_has_client_id(part, client_id) for part in parts):
        yield reach.most


def _has_client_id(part: str | Variable, client_id: str | None) -> bool:
    return part == CLIENT_ID or (client_id is not None and isinstance(part, str) and client_id in part)
