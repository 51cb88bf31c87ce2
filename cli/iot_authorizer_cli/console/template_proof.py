"""The proof of the template in force, for the page.

- It is made in a worker thread when the page asks for it, once for each template, and takes a bounded time.
- One proof runs at a time. A request that waited asks about the template that is in force by then.
- If the request is given up, for example because IoT Core on this machine stops, the thread ends soon, too.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from typing import TypedDict

from anyio import to_thread

from iot_policies import PolicyTemplate
from iot_policies.proofs.bounded import prove_within
from iot_policies.proofs.prover import Proof, Verdict

LONGEST_PROOF = 10.0
"""Seconds, after which only entries and pairs of entries are proved."""
_MOST_LINES = 20
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


class TemplateProof:
    """Proves the template in force, and keeps the result."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._template: PolicyTemplate | None = None
        self._shown: ShownProof | None = None

    async def of(self, template_in_force: Callable[[], PolicyTemplate]) -> ShownProof:
        """The proof of the template that is in force when its turn comes."""
        async with self._one_at_a_time:
            template = template_in_force()
            if self._shown is None or self._template is not template:
                self._shown = shown(await _proved(template))
                self._template = template
            return self._shown


async def _proved(template: PolicyTemplate) -> Proof:
    given_up = threading.Event()

    def clock() -> float:
        return math.inf if given_up.is_set() else time.monotonic()

    try:
        return await to_thread.run_sync(prove_within, template, LONGEST_PROOF, clock, abandon_on_cancel=True)
    finally:
        given_up.set()


def shown(proof: Proof) -> ShownProof:
    """A proof in plain words."""
    lines = proof.not_covered if proof.counterexample is None else list(proof.counterexample.lines())
    more = [f"and {len(lines) - _MOST_LINES} more: run iot-authorizer prove"] if len(lines) > _MOST_LINES else []
    return ShownProof(verdict=proof.verdict, text=_TEXTS[proof.verdict], lines=[*lines[:_MOST_LINES], *more])
