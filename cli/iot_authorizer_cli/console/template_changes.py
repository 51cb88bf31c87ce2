"""What the edits since the start of `dev` open and close, for its page and its terminal.

The template in force is compared with the first one. So a person who saves often sees what all edits come to, and an
edit that is undone is gone. What the comparison before did not have is marked as new.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from iot_authorizer_cli.console.latest_work import LatestWork
from iot_authorizer_cli.diff_wording import ChangeText, change_texts, rest_text
from iot_authorizer_cli.terminal import count
from iot_policies import PolicyTemplate
from iot_policies.proofs.bounded import Clock, diff_within

LONGEST_COMPARISON = 10.0
"""Seconds, after which what was found until then is shown."""
_MOST_ON_PAGE, _MOST_IN_TERMINAL = 50, 8


@dataclass(frozen=True, eq=False)
class _Compared:
    """A comparison; each is another one, even if it found the same."""

    changes: tuple[ChangeText, ...]
    rest: str


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
            "changes": [{**each._asdict(), "is_new": self._is_new(each)} for each in self.changes[:_MOST_ON_PAGE]],
            "left_out": max(0, len(self.changes) - _MOST_ON_PAGE),
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


class TemplateChanges:
    """Compares each template in force with the first one, and keeps the result."""

    def __init__(self, turn: asyncio.Lock | None = None, clock: Callable[[], float] = time.time) -> None:
        """`turn` is shared with other works, see `LatestWork`; `clock` gives seconds since 1970."""
        self._turn = turn or asyncio.Lock()
        self._clock = clock
        self._first: PolicyTemplate | None = None
        self._since = 0.0
        self._work: LatestWork[_Compared] | None = None
        self._latest: _Compared | None = None
        self._known: frozenset[ChangeText] = frozenset()

    async def of(self, template: PolicyTemplate | None) -> Changes | None:
        """What the edits up to a template came to; None without an edit, and if grants come from code.

        The first template that this is called with is the one to compare with.
        """
        if template is None or template is self._first:
            return None
        if self._work is None:
            self._first, self._since = template, self._clock()
            self._work = LatestWork(partial(_compared, template), self._turn)
            return None
        compared = await self._work.of(template)
        if compared is not self._latest:
            before = () if self._latest is None else self._latest.changes
            self._latest, self._known = compared, frozenset(each.without_example for each in before)
        return Changes(round(self._since * 1000), compared.changes, self._known, compared.rest)


def _compared(first: PolicyTemplate, template: PolicyTemplate, clock: Clock) -> _Compared:
    found = diff_within(first, template, LONGEST_COMPARISON, clock)
    return _Compared(tuple(change_texts(found)), rest_text(found))
