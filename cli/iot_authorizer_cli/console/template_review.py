"""What the page and the terminal of `dev` say about the template in force: its proof, and what edits open and close.

- A proof is made once for each template.
- For edits, the template in force is compared with the first one. So a person who saves often sees what all edits come
  to, and an edit that is undone is gone. What the comparison before did not have is marked as new.
- An edit on the page, which is not in force (`edits.py`), is compared with the template in force.
- All take a bounded time, in a thread (`latest_work.py`).
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypedDict

from iot_authorizer_cli.console.latest_work import LatestWork, in_turn
from iot_authorizer_cli.diff_wording import ChangeText, change_texts, rest_text
from iot_authorizer_cli.terminal import count
from iot_policies import PolicyTemplate
from iot_policies.proofs.bounded import Clock, diff_within, prove_within
from iot_policies.proofs.prover import Proof, Verdict

LONGEST_PROOF = 10.0
"""Seconds, after which only entries and pairs of entries are proved."""
_MOST_LINES = 20
LONGEST_COMPARISON = 10.0
"""Seconds, after which what was found until then is shown."""
_MOST_ON_PAGE, _MOST_IN_TERMINAL = 50, 8
_TEXTS: dict[Verdict, str] = {
    "proved": "Proved: every principal that gets a policy may do what the template in force says, and nothing else.",
    "partly proved": (
        "Partly proved: each entry, and each pair of entries. The rest takes too long for this page: "
        "run iot-authorizer prove."
    ),
    "not covered": "Not proved as a whole: no difference was found, but this could not be decided:",
    "different": "A policy differs from the template in force, so iot-authorizer build refuses it. An example:",
}


class ShownProof(TypedDict):
    """What the page shows of a proof."""

    verdict: Verdict
    text: str
    """The verdict in one sentence."""
    lines: list[str]
    """The counterexample, or what could not be decided."""


@dataclass(frozen=True, eq=False)
class _Compared:
    """A comparison; each is another one, even if it found the same."""

    changes: tuple[ChangeText, ...]
    rest: str
    """What holds for all that is not different; empty if something could not be decided."""


class Changes(NamedTuple):
    """What edits came to."""

    since: int
    """The time of the template that is compared with, in milliseconds since 1970."""
    changes: tuple[ChangeText, ...]
    known: frozenset[ChangeText]
    """What the comparison before had, without the examples."""
    rest: str
    """What holds for all that is not different; empty if something could not be decided."""

    def shown(self) -> Mapping[str, object]:
        """The changes as JSON, for the page."""
        return {
            "since": self.since,
            **shown_changes(self.changes, self._is_new),
            "rest": self.rest,
        }

    def lines(self) -> Iterator[str]:
        """The lines for the terminal: the new changes, and how many there are besides."""
        new = [each for each in self.changes if self._is_new(each)]
        for each in new[:_MOST_IN_TERMINAL]:
            yield from each.lines()
        if (more := len(new) - _MOST_IN_TERMINAL) > 0:
            yield f"and {more} more: the page shows them"
        earlier = len(self.changes) - len(new)
        parts = [f"{count(earlier, 'change')} of earlier saves"] if earlier else []
        parts += [self.rest] if self.rest else []
        if parts:
            yield f"compared with the template when dev started: {'; '.join(parts)}"

    def _is_new(self, change: ChangeText) -> bool:
        return change.without_example not in self.known


def shown_changes(
    changes: Sequence[ChangeText], is_new: Callable[[ChangeText], bool] = lambda _: False
) -> Mapping[str, object]:
    """The first changes as JSON, and how many there are besides."""
    return {
        "changes": [{**each._asdict(), "is_new": is_new(each)} for each in changes[:_MOST_ON_PAGE]],
        "left_out": max(0, len(changes) - _MOST_ON_PAGE),
    }


class TemplateReview:
    """Proves each template in force, compares it with the first one, and keeps the results."""

    def __init__(self, first: PolicyTemplate | None, since: float) -> None:
        """`first` is the template to compare with, and was in force at `since`, in seconds since 1970.

        If there was none, the first one that `changes` is called with takes its place.
        """
        self._first = first
        self._since = since
        self._turn = asyncio.Lock()
        self._proving = LatestWork(_proved, self._turn)
        self._comparing = LatestWork(self._compared, self._turn)
        self._latest: _Compared | None = None
        self._known: frozenset[ChangeText] = frozenset()

    async def proof(self, template: PolicyTemplate) -> ShownProof:
        """The proof of a template, or of a newer one that is asked about meanwhile."""
        return await self._proving.of(template)

    async def changes_of_edit(self, in_force: PolicyTemplate, edited: PolicyTemplate) -> Mapping[str, object]:
        """What an edit on the page would open and close, as JSON. If it is cancelled, the comparison is given up."""
        compared = await in_turn(partial(_compared, in_force, edited), self._turn)
        return {**shown_changes(compared.changes), "rest": compared.rest}

    async def changes(self, template: PolicyTemplate | None) -> Changes | None:
        """What the edits up to a template came to; None without an edit, and if grants come from code."""
        if self._first is None:
            self._first, self._since = template, time.time()
        if template is None or template is self._first:
            return None
        compared = await self._comparing.of(template)
        if compared is not self._latest:
            before = () if self._latest is None else self._latest.changes
            self._latest, self._known = compared, frozenset(each.without_example for each in before)
        return Changes(round(self._since * 1000), compared.changes, self._known, compared.rest)

    def _compared(self, template: PolicyTemplate, clock: Clock) -> _Compared:
        return _compared(self._first or template, template, clock)


def _proved(template: PolicyTemplate, clock: Clock) -> ShownProof:
    return shown(prove_within(template, LONGEST_PROOF, clock))


def shown(proof: Proof) -> ShownProof:
    """A proof in plain words."""
    lines = proof.not_covered if proof.counterexample is None else list(proof.counterexample.lines())
    more = [f"and {len(lines) - _MOST_LINES} more: run iot-authorizer prove"] if len(lines) > _MOST_LINES else []
    return ShownProof(verdict=proof.verdict, text=_TEXTS[proof.verdict], lines=[*lines[:_MOST_LINES], *more])


def _compared(first: PolicyTemplate, template: PolicyTemplate, clock: Clock) -> _Compared:
    found = diff_within(first, template, LONGEST_COMPARISON, clock)
    return _Compared(tuple(change_texts(found)), rest_text(found))
