"""After a restore: the processor time of the first answer after a snapshot (SnapStart), beside references.

A fork after loading is used instead of a snapshot: the new process has all that was loaded, and copies each page of
memory that it writes to. A real restore also reads pages from a disk, which is not measured here.
"""

import statistics
import sys
from pathlib import Path

from bench.bounds import Bounds
from bench.cold import NO_AWSCRT, environments_of, run_once
from bench.known import FUNCTION_ARN
from bench.sample import Sample

RUNS = 25
HANDLERS = {
    "authorizer": "iot_authorizer.handler",
    "unstructured": "bench.reference_handler",
    "PyJWT only": "bench.pyjwt_handler",
    "with a table": "iot_authorizer.handler",
}
_MOST = 3
"""Milliseconds for the authorizer."""

_ONCE = f"""
import gc, json, os, sys, importlib, time
{NO_AWSCRT}
event = json.load(sys.stdin)
class Context:
    invoked_function_arn = sys.argv[2]
handler = importlib.import_module(sys.argv[1]).lambda_handler
gc.freeze()
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
started = time.process_time_ns()
answer = handler(event, Context())
taken = time.process_time_ns() - started
assert answer["isAuthenticated"], answer
print(taken / 1e6, file=sys.stderr)
"""


def report(sample: Sample, folder: Path, bounds: Bounds) -> None:
    """Prints the medians, and the authorizer's with its bound."""
    times: dict[str, list[float]] = {name: [] for name in HANDLERS}
    with environments_of(sample, HANDLERS) as environments:
        for _ in range(RUNS):
            for name, module in HANDLERS.items():
                command = [sys.executable, "-c", _ONCE, module, FUNCTION_ARN]
                environment = environments[name] | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
                times[name].append(run_once(command, sample.event, environment, folder))
    print(f"restore  the first RS256 answer after a fork, processor time, in turns, median of {RUNS}")
    for name, found in times.items():
        median = statistics.median(found)
        bound = bounds.at_most("restore: authorizer, ms", median, bounds.time(_MOST)) if name == "authorizer" else ""
        print(f"         {name:14}{median:7.2f} ms   {bound}".rstrip())
    print()
