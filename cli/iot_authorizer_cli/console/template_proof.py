"""The proof of the template in force, for the page."""

import asyncio
from typing import TypedDict

from iot_authorizer_cli.console.latest_work import LatestWork
from iot_policies import PolicyTemplate
from iot_policies.proofs.bounded import Clock, prove_within
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

    def __init__(self, turn: asyncio.Lock | None = None) -> None:
        """`turn` is shared with other works, see `LatestWork`."""
        self._work = LatestWork(_proved, turn or asyncio.Lock())

    async def of(self, template: PolicyTemplate) -> ShownProof:
        """The proof of a template, or of a newer one that is asked about meanwhile."""
        return await self._work.of(template)


def _proved(template: PolicyTemplate, clock: Clock) -> ShownProof:
    return shown(prove_within(template, LONGEST_PROOF, clock))


def shown(proof: Proof) -> ShownProof:
    """A proof in plain words."""
    lines = proof.not_covered if proof.counterexample is None else list(proof.counterexample.lines())
    more = [f"and {len(lines) - _MOST_LINES} more: run iot-authorizer prove"] if len(lines) > _MOST_LINES else []
    return ShownProof(verdict=proof.verdict, text=_TEXTS[proof.verdict], lines=[*lines[:_MOST_LINES], *more])
