"""Growth: what a handler holds at rest, and after a million answers to events of all kinds. No event may stay.

The caches of the authorizer have limits. After the warm-up they are full, or have all that they get here.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.bounds import Bounds
from bench.broker.process import resident_bytes
from bench.cold import NO_AWSCRT, environments_of, run_once
from bench.known import FUNCTION_ARN
from bench.restore import HANDLERS
from bench.sample import Sample

ANSWERS = 1_000_000
WARM_UP = 200_000
"""Answers before the growth is measured."""
_SLOW_ONE_IN = 1000
"""A wrong password takes as long as 200 other events."""
_MOST_MEGABYTES, _MOST_BLOCKS = 1, 1000
"""How much the resident set may grow, and how many more blocks of memory Python may hold."""


_REST = f"""
import gc, json, os, sys, importlib
{NO_AWSCRT}
event = json.load(sys.stdin)
class Context:
    invoked_function_arn = sys.argv[2]
assert importlib.import_module(sys.argv[1]).lambda_handler(event, Context())["isAuthenticated"]
gc.collect()
from bench.broker.process import resident_bytes
print(resident_bytes(os.getpid()) / 1e6, file=sys.stderr)
"""


def report(sample: Sample, folder: Path, bounds: Bounds) -> None:
    """Prints what handlers hold at rest, and the growth with its bounds."""
    print("growth  resident set after the first RS256 answer")
    with environments_of(sample, HANDLERS) as environments:
        for name, module in HANDLERS.items():
            command = [sys.executable, "-c", _REST, module, FUNCTION_ARN]
            print(f"        {name:14}{run_once(command, sample.event, environments[name], folder):7.1f} MB")
    print()
    _report_events(bounds)


def _report_events(bounds: Bounds) -> None:
    command = [sys.executable, "-m", "bench.growth", str(WARM_UP), str(ANSWERS)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    warm, end = json.loads(done.stderr.splitlines()[-1])
    print(f"growth  one process, {ANSWERS:,} answers to events of all kinds, after a warm-up of {WARM_UP:,}")
    print(f"        resident set after the warm-up {warm[0]:.1f} MB, at the end {end[0]:.1f} MB")
    for name, figure, most in (
        ("resident set, MB", end[0] - warm[0], _MOST_MEGABYTES),
        ("blocks of memory", end[1] - warm[1], _MOST_BLOCKS),
    ):
        print(f"        {name}: {figure:+,.1f}   {bounds.at_most(f'growth: {name}', figure, most)}")
    print()


def held() -> tuple[float, int]:
    """Megabytes of this process's resident set, and the blocks of memory that Python holds in it."""
    gc.collect()
    return resident_bytes(os.getpid()) / 1e6, sys.getallocatedblocks()


def measure(folder: Path, *answers: int) -> list[tuple[float, int]]:
    """What this process holds after each of these numbers of answers. Discard its standard output."""
    from bench.event_kinds import make_event_kinds

    made = make_event_kinds(folder)
    found, first = [], 0
    for number in answers:
        last = first + number // len(made.handlers)
        made.run(range(first, last), _SLOW_ONE_IN)
        first = last
        found.append(held())
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as new:
        print(json.dumps(measure(Path(new), *map(int, sys.argv[1:]))), file=sys.stderr)
