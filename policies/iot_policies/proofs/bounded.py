"""Proves a template, or compares two, in bounded time: `prove_within`, `diff_within`.

1. A proof that is finished in time is the one that `prove` returns.
2. If only step 4 is not finished, the result is that of `quick`, which needs no more time than was already used.
3. If not even the entries and pairs are finished, the template is *not covered*.
4. A comparison that is not finished has what was found until then, and names as *not covered* that there may be more.

The clock is read between the parts, which take up to about a second for the largest templates.
"""

import time
from collections.abc import Callable

from iot_policies.proofs.diff import TemplateDiff, diffing
from iot_policies.proofs.prover import Proof, prove, proving
from iot_policies.template import PolicyTemplate

Clock = Callable[[], float]
"""Gives seconds."""

_QUICK_STEPS = ("entries", "pairs")


def prove_within(template: PolicyTemplate, seconds: float, clock: Clock = time.monotonic) -> Proof:
    """Proves as much of a template as the time allows, at most twice `seconds`."""
    end = clock() + seconds
    steps = proving(template)
    step = _QUICK_STEPS[0]
    while clock() < end:
        try:
            step = next(steps).step
        except StopIteration as stop:
            proof: Proof = stop.value
            return proof
    if step in _QUICK_STEPS:
        return Proof(quick=True, not_covered=[f"the entries and their pairs took longer than {seconds:g} seconds"])
    return prove(template, quick=True)


def diff_within(
    old: PolicyTemplate, new: PolicyTemplate, seconds: float, clock: Clock = time.monotonic
) -> TemplateDiff:
    """Compares as much of two templates as the time allows."""
    end = clock() + seconds
    found = TemplateDiff()
    for _ in diffing(old, new, found):
        if clock() >= end:
            found.not_covered.append(f"the comparison took longer than {seconds:g} seconds, so there may be more")
            break
    return found
