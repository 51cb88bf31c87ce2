"""How fast this machine is, beside the one where the bounds of times and rates were set.

The work is that of `bench.cold` for PyJWT only, which has none of this project's code: it imports many modules and
verifies one RS256 token, in processor time.
"""

import statistics
import tempfile
from pathlib import Path

from bench.cold import command_of, run_once, variables_of
from bench.sample import make_sample

RUNS = 15
_THERE = 45.8
"""Milliseconds where the bounds were set."""


def slower() -> float:
    """Measures how many times as long the work takes here, and prints it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = make_sample(folder)
        command, environment = command_of("bench.pyjwt_handler"), variables_of(sample)
        times = [run_once(command, sample.event, environment, folder) for _ in range(RUNS)]
    here = statistics.median(times)
    print(f"machine  loading PyJWT and one answer, processor time, median of {RUNS}")
    print(f"         {here:.1f} ms, where times and rates were set as bounds {_THERE} ms")
    print(f"         so here a time may be {here / _THERE:.2f} times as long\n")
    return here / _THERE
