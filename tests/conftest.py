"""What all tests share."""

import signal
from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.effort import load_profiles

SLOW = ("tests/cloud/", "tests/clients/", "tests/test_documentation.py")
"""Tests that deploy, run other programs or follow the documentation."""

load_profiles()


def pytest_configure() -> None:
    """A shell has what it starts in the background ignore Ctrl-C; what the tests start must not inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make check` leaves out, beside tests that have the mark of their own."""
    for item in items:
        if item.nodeid.startswith(SLOW) or "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what could not run here, and what it takes."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.getreports("skipped"))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run ({count}): {reason.removeprefix('Skipped: ')}", yellow=True)


class CloudTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each test to whoever is free, and those that share a deployment to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/cloud" if nodeid.startswith("tests/cloud/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> CloudTogether:
    """Distributes the tests with `-n`; xdist's own groups do nothing with pytest 9.2."""
    return CloudTogether(config, log)
