"""Warm: the whole handler with its log line and metrics, against `jwt.decode` of the same token.

The two take turns call by call, so that both find the processor's caches as a handler leaves them.
"""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import jwt
from jwt import PyJWK

from bench.bounds import Bounds
from bench.known import AUDIENCE, FUNCTION_ARN, ISSUER
from bench.sample import Sample

CALLS = 20_000
_TIMES_DECODE = 1.8


class Context:
    """Lambda's context, as far as it is looked at."""

    invoked_function_arn = FUNCTION_ARN


def microseconds(call: Callable[[], object]) -> float:
    """One call's time, in microseconds."""
    started = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - started) / 1000


def report(sample: Sample, bounds: Bounds) -> None:
    """Prints medians and their ratio; what the handler prints goes to the null device."""
    os.environ["AUTHORIZER_CONFIG"] = str(sample.config)
    with Path(os.devnull).open("w") as null, redirect_stdout(null):
        from iot_authorizer.handler import lambda_handler

        key, event, context = PyJWK(sample.jwk, "RS256"), sample.event, Context()
        pairs = [
            (
                microseconds(lambda: lambda_handler(event, context)),
                microseconds(
                    lambda: jwt.decode(sample.token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
                ),
            )
            for _ in range(CALLS)
        ]
    ours, reference = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"warm  one event, a token of {len(sample.token)} characters, in turns, median of {CALLS}")
    ratio = ours / reference
    figures = f"authorizer {ours:6.1f} us   jwt.decode {reference:6.1f} us   ratio {ratio:.2f}"
    print(f"      {figures}   {bounds.at_most('warm: authorizer to jwt.decode', ratio, _TIMES_DECODE)}\n")
