"""`make bench`: the figures, each beside a reference in the same run. It exits with 1 if a bound is missed."""

import compileall
import tempfile
from pathlib import Path

from bench import cold, growth, guessing, machine, policies, proofs, restore, users, warm
from bench.bounds import Bounds
from bench.broker.report import report as report_broker
from bench.node_reference import node_reference
from bench.sample import make_sample


def main() -> None:
    """Runs all benchmarks, then names the bounds that were missed."""
    for package in ("authorizer", "identities", "policies", "local", "cli", "bench"):
        compileall.compile_dir(package, quiet=2)
    bounds = Bounds(machine.slower())
    with tempfile.TemporaryDirectory() as folder:
        sample = make_sample(Path(folder))
        node = node_reference(Path(folder))
        cold.report(sample, Path(folder), node, bounds)
        restore.report(sample, Path(folder), bounds)
        growth.report(sample, Path(folder), bounds)
        warm.report(sample, node, bounds)
    guessing.report()
    policies.report(bounds)
    proofs.report(bounds)
    users.report(bounds)
    report_broker(bounds)
    bounds.exit_if_missed()


if __name__ == "__main__":
    main()
