"""Cold: from the start of a process to its first RS256 answer, against the reference, in turns."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.empty_table import empty_table
from bench.sample import FUNCTION_ARN, Sample

RUNS = 25
HANDLERS = {
    "authorizer": "iot_authorizer.handler",
    "reference": "bench.reference_handler",
    "table": "iot_authorizer.handler",
}

_ONCE = """
import json, sys, importlib
handler = importlib.import_module(sys.argv[1]).lambda_handler
class Context:
    invoked_function_arn = sys.argv[2]
answer = handler(json.load(sys.stdin), Context())
assert answer["isAuthenticated"], answer
"""


def measure(sample: Sample, folder: Path) -> dict[str, list[float]]:
    """Milliseconds of each run, by handler. They take turns, so that a slower moment slows all."""
    event = json.dumps(sample.event)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"AUTHORIZER_CONFIG": str(sample.config), "PYTHONPATH": str(Path.cwd())}
    times: dict[str, list[float]] = {name: [] for name in HANDLERS}
    with empty_table() as table:
        environments = {name: {**environment, **(table if name == "table" else {})} for name in HANDLERS}
        for run in range(RUNS + 1):
            for name, module in HANDLERS.items():
                taken = _run(module, event, environments[name], folder)
                if run:  # The first writes the .pyc files.
                    times[name].append(taken)
    return times


def _run(module: str, event: str, environment: dict[str, str], folder: Path) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-c", _ONCE, module, FUNCTION_ARN]
    subprocess.run(command, input=event, text=True, env=environment, cwd=folder, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def report(sample: Sample, folder: Path) -> None:
    """Prints medians and the ratio."""
    times = measure(sample, folder)
    ours, reference, table = (statistics.median(times[name]) for name in HANDLERS)
    ratio = statistics.median(a / b for a, b in zip(times["authorizer"], times["reference"], strict=True))
    print(f"cold  process start to the first RS256 answer, .pyc files present, median of {RUNS}")
    print(f"      authorizer {ours:6.1f} ms   reference {reference:6.1f} ms   ratio {ratio:.2f}   (at most 1.10)")
    print(f"      with a table in DynamoDB, on this machine, that is looked into once: {table:.1f} ms\n")
