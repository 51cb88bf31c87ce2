"""Cold: the processor time of a new process for loading a handler and its first RS256 answer, beside references.

The handlers take turns, so that a slower moment slows all. The start of the interpreter is not counted. Processor time
is used because other programs of the machine do not change it as much as the time of a clock.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.bounds import Bounds
from bench.empty_table import empty_table
from bench.known import FUNCTION_ARN
from bench.node_reference import NodeReference, variables
from bench.sample import Sample

RUNS = 25
HANDLERS = {
    "authorizer": "iot_authorizer.handler",
    "unstructured": "bench.reference_handler",
    "PyJWT only": "bench.pyjwt_handler",
    "Powertools' verifier": "bench.powertools_handler",
    "with a table": "iot_authorizer.handler",
}
_TIMES_PYJWT, _TIMES_UNSTRUCTURED = 2.25, 1.0
_TIMES_PYJWT_WITH_TABLE = 1.6 * _TIMES_PYJWT
"""Not a ratio to the time without a table: that would grow whenever the authorizer itself starts faster."""

NO_AWSCRT = 'sys.modules["awscrt"] = None'
"""The tests need awscrt here, and botocore then imports it, which takes 40 ms. The Lambda directory does not have it
(assumed: neither has botocore of Lambda's runtime)."""
_ONCE = f"""
import json, sys, importlib, time
{NO_AWSCRT}
event = json.load(sys.stdin)
class Context:
    invoked_function_arn = sys.argv[2]
started = time.process_time_ns()
answer = importlib.import_module(sys.argv[1]).lambda_handler(event, Context())
taken = time.process_time_ns() - started
assert answer["isAuthenticated"], answer
print(taken / 1e6, file=sys.stderr)
"""


def measure(sample: Sample, folder: Path, node: NodeReference | None) -> dict[str, list[float]]:
    """Milliseconds of each run, by handler."""
    commands = {name: command_of(module) for name, module in HANDLERS.items()}
    if node:
        commands[node.name] = node.cold_command
    times: dict[str, list[float]] = {name: [] for name in commands}
    with environments_of(sample, commands) as environments:
        for run in range(RUNS + 1):
            for name, command in commands.items():
                taken = run_once(command, sample.event, environments[name], folder)
                if run:  # The first writes the .pyc files.
                    times[name].append(taken)
    return times


def command_of(module: str) -> list[str]:
    """A process that loads a handler and answers once."""
    return [sys.executable, "-c", _ONCE, module, FUNCTION_ARN]


def variables_of(sample: Sample) -> dict[str, str]:
    """The environment of a process that loads a handler. It finds .pyc files, or writes them."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPATH": str(Path.cwd()), **variables(sample)}


@contextmanager
def environments_of(sample: Sample, names: Iterable[str]) -> Iterator[dict[str, dict[str, str]]]:
    """The environment of each handler. The table of the one with a table is empty."""
    common = variables_of(sample)
    with empty_table() as table:
        yield {name: {**common, **(table if name == "with a table" else {})} for name in names}


def run_once(command: list[str], event: dict[str, object], environment: dict[str, str], folder: Path) -> float:
    """Gives a process an event on standard input. Returns the milliseconds that it prints last on standard error."""
    given = json.dumps(event)
    done = subprocess.run(command, input=given, text=True, env=environment, cwd=folder, check=True, capture_output=True)
    return float(done.stderr.split()[-1])


def report(sample: Sample, folder: Path, node: NodeReference | None, bounds: Bounds) -> None:
    """Prints the medians, and the ratios with their bounds."""
    times = measure(sample, folder, node)
    print(f"cold  loading and the first RS256 answer, processor time, .pyc files present, in turns, median of {RUNS}")
    for name, found in times.items():
        print(f"      {name:26}{statistics.median(found):7.1f} ms")
    for name, other, most in (
        ("authorizer", "PyJWT only", _TIMES_PYJWT),
        ("authorizer", "unstructured", _TIMES_UNSTRUCTURED),
        ("with a table", "PyJWT only", _TIMES_PYJWT_WITH_TABLE),
    ):
        ratio = _ratio(times[name], times[other])
        print(f"      {name} to {other}: {ratio:.2f}   {bounds.at_most(f'cold: {name} to {other}', ratio, most)}")
    print(f"      with a table to authorizer: {_ratio(times['with a table'], times['authorizer']):.2f}")
    if node:
        print(f"      authorizer to {node.name}: {_ratio(times['authorizer'], times[node.name]):.2f}")
    print()


def _ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, others, strict=True))
