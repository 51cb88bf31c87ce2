"""`make bench`: the figures, each beside a reference in the same run."""

import compileall
import tempfile
from pathlib import Path

from bench import cold, guessing, policies, proofs, warm
from bench.broker.report import report as report_broker
from bench.sample import make_sample


def main() -> None:
    """Runs all benchmarks."""
    for package in ("authorizer", "identities", "policies", "local", "cli", "bench"):
        compileall.compile_dir(package, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        sample = make_sample(Path(folder))
        cold.report(sample, Path(folder))
        warm.report(sample)
    guessing.report()
    policies.report()
    proofs.report()
    report_broker()


if __name__ == "__main__":
    main()
