"""What all tests share."""

import gc
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests import ROOT, UV
from tests.effort import load_profiles

SLOW_FOLDERS = ("cdk", "cloud", "clients")
"""Folders of tests that synthesize, deploy or run other programs."""
SLOW_FIXTURES = {"browser", "aws"}
"""Fixtures that start a browser or a local AWS."""

load_profiles()


def pytest_configure() -> None:
    """A shell has what it starts in the background ignore Ctrl-C; what the tests start must not inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--out-dir", folder], cwd=ROOT, check=True)
    (found,) = folder.glob("*.whl")
    return found


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not even import the slow folders if only quick tests are asked for."""
    is_slow = collection_path.parent == Path(__file__).parent and collection_path.name in SLOW_FOLDERS
    return True if is_slow and config.option.markexpr == "not slow" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make check` leaves out, beside tests that have the mark themselves, and puts slow files first.

    Then the processes of `-n` end at the same time: what is left at the end is quick.
    """
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        fixtures = getattr(item, "fixturenames", ())
        parameters = [each for each in _parameters(item) if isinstance(each, str)]
        if folder in SLOW_FOLDERS or not SLOW_FIXTURES.isdisjoint(fixtures) or "dynamodb" in parameters:
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(LONGEST), item.path not in slow))


def pytest_collection_finish() -> None:
    """Leaves the collected tests and their modules out of garbage collections, which are also fewer than usual.

    Each full collection would look at all these objects again, which live until the end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _parameters(item: pytest.Item) -> list[object]:
    return list(item.callspec.params.values()) if hasattr(item, "callspec") else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what could not run here, and what it takes."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.getreports("skipped"))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run ({count}): {reason.removeprefix('Skipped: ')}", yellow=True)


LONGEST = ("tests/cloud/", "tests/test_wheel.py")
"""Tests that share a deployment, or the built wheel. They take longer than all other groups."""
EACH_FILE = ("tests/cdk/", "tests/cli/console/", "tests/clients/", "tests/cli/commands/dev/", "tests/test_house.py")
"""Tests that share with the other tests of their file what takes long: stacks, a browser, servers, syntax trees."""


class SomeTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each test to the process that is free, and those that share something expensive to one process."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(LONGEST):
            return LONGEST[0]
        return nodeid.partition("::")[0] if nodeid.startswith(EACH_FILE) else nodeid

    def _reschedule(self, node: WorkerController) -> None:
        """Forgets finished tests first: xdist counts all that a process ever got, after each test."""
        assigned = self.assigned_work[node]
        for scope in [scope for scope, done in assigned.items() if all(done.values())]:
            del assigned[scope]
        super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SomeTogether:
    """Distributes the tests with `-n`; xdist's own groups do nothing with pytest 9.2."""
    config.option.loadscopereorder = False  # It would put the groups with the most tests first.
    return SomeTogether(config, log)
