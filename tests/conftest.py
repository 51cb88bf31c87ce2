"""What all tests share."""

from collections import Counter

import pytest
from hypothesis import settings

settings.register_profile("no_stopwatch", deadline=None)
settings.load_profile("no_stopwatch")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what could not run here, and what it takes."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.getreports("skipped"))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run ({count}): {reason.removeprefix('Skipped: ')}", yellow=True)
