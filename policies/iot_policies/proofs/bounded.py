"""Proves a template in bounded time: `prove_within`.

1. A proof that is finished in time is the one that `prove` returns.
2. If only step 4 is not finished, the result is that of `quick`, which needs no more time than was already used.
3. If not even the entries and pairs are finished, the template is *not covered*.

The clock is read between the parts of a proof, which take up to about a second for the largest templates.
"""

import time
from collections.abc import Callable

from iot_policies.proofs.prover import Proof, prove, proving
from iot_policies.template import PolicyTemplate

_QUICK_STEPS = ("entries", "pairs")


def prove_within(template: PolicyTemplate, seconds: float, clock: Callable[[], float] = time.monotonic) -> Proof:
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
