"""`python -m bench.broker`, or some parts of it: `python -m bench.broker throughput latency`."""

import sys

from bench import machine
from bench.bounds import Bounds
from bench.broker.report import PARTS, report

asked = sys.argv[1:] or list(PARTS)
if not set(asked) <= set(PARTS):
    sys.exit(f"usage: python -m bench.broker [PART ...], of {', '.join(PARTS)}")
bounds = Bounds(machine.slower())
report(bounds, asked)
bounds.exit_if_missed()
