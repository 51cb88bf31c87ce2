"""`make bench`: the figures, each beside a reference in the same run."""

import compileall
import tempfile
from pathlib import Path

from bench import cold, policies, warm
from bench.sample import make_sample


def main() -> None:
    """Runs all benchmarks."""
    for package in ("authorizer", "policies", "bench"):
        compileall.compile_dir(package, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        sample = make_sample(Path(folder))
        cold.report(sample, Path(folder))
        warm.report(sample)
    policies.report()


if __name__ == "__main__":
    main()
