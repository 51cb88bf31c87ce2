"""Warm: the whole handler with its log line and metrics, beside `jwt.decode` of its token and a handler on Node.js.

The handler and `jwt.decode` take turns call by call, so that both find the processor's caches as a handler leaves them.
Node.js takes its turn after each slice of such calls, in a process of its own.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path

import jwt
from jwt import PyJWK

from bench.bounds import Bounds
from bench.known import AUDIENCE, FUNCTION_ARN, ISSUER
from bench.node_reference import NodeReference
from bench.sample import Sample

SLICES = 20
CALLS = 1000
"""Calls of each in a slice."""
_OURS, _DECODE = "authorizer", "jwt.decode"
_TIMES_DECODE = 1.8


class Context:
    """Lambda's context, as far as it is looked at."""

    invoked_function_arn = FUNCTION_ARN


def microseconds(call: Callable[[], object]) -> float:
    """One call's time, in microseconds."""
    started = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - started) / 1000


@contextmanager
def muted() -> Iterator[None]:
    """Discards what handlers print."""
    with Path(os.devnull).open("w") as null, redirect_stdout(null):
        yield


def measure(sample: Sample, node: NodeReference | None) -> dict[str, list[float]]:
    """Microseconds of each call, by what is called. The first slice warms all of them up and is not in it."""
    os.environ["AUTHORIZER_CONFIG"] = str(sample.config)
    from iot_authorizer.handler import lambda_handler

    key, event, context = PyJWK(sample.jwk, "RS256"), sample.event, Context()
    calls: dict[str, Callable[[], object]] = {
        _OURS: lambda: lambda_handler(event, context),
        _DECODE: lambda: jwt.decode(sample.token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER),
    }
    times: dict[str, list[float]] = {name: [] for name in (*calls, *([node.name] if node else []))}
    with muted(), node.warm(sample) if node else nullcontext() as process:
        for number in range(SLICES + 1):
            pairs = [[microseconds(call) for call in calls.values()] for _ in range(CALLS)]
            found = [list(column) for column in zip(*pairs, strict=True)]
            if process:
                found.append(process.microseconds(CALLS))
            for name, taken in zip(times, found, strict=True):
                times[name] += taken if number else []
    return times


def report(sample: Sample, node: NodeReference | None, bounds: Bounds) -> None:
    """Prints the medians and their ratios."""
    medians = {name: statistics.median(found) for name, found in measure(sample, node).items()}
    print(f"warm  one event, a token of {len(sample.token)} characters, in turns, median of {SLICES * CALLS}")
    for name, median in medians.items():
        print(f"      {name:26}{median:7.1f} us{1e6 / median:10,.0f} calls/s")
    for name in [name for name in medians if name != _OURS]:
        ratio = medians[_OURS] / medians[name]
        title = f"{_OURS} to {name}"
        bound = bounds.at_most(f"warm: {title}", ratio, _TIMES_DECODE) if name == _DECODE else ""
        print(f"      {title}: {ratio:.2f}   {bound}".rstrip())
    print()
