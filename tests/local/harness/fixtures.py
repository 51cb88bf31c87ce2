"""Fixtures: a core for each test, with a function that the test scripts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import uvloop

from iot_core.mqtt import Version
from tests.cli.dev import Dev
from tests.local.harness.dev import allow_files, everybody
from tests.local.harness.others import Others
from tests.local.harness.running import CONFIGURATION, LoopFactory, Running, started

both_versions = pytest.mark.parametrize(
    "version", [Version.MQTT_3_1_1, Version.MQTT_5], ids=lambda version: version.name
)
both_loops = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
publish   = ["{principal}/#"]
subscribe = ["{principal}/#"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder, in which handlers are found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def loop_factory() -> LoopFactory:
    """The event loop of asyncio. Tests marked with `both_loops` run with uvloop too."""
    return asyncio.new_event_loop


@pytest.fixture
def running(request: pytest.FixtureRequest, loop_factory: LoopFactory) -> Iterator[Running]:
    """A core whose limits a second are off. Tests of a file that are marked `one_core` share one."""
    if request.node.get_closest_marker("one_core"):
        running: Running = request.getfixturevalue("shared")(loop_factory)
        running.begin_again()
        yield running
        return
    with started(request.getfixturevalue("folder"), loop_factory=loop_factory) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[LoopFactory], Running]]:
    """Gives the core of the tests that are marked `one_core`, for an event loop."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())

        @cache
        def core(loop_factory: LoopFactory) -> Running:
            folder = tmp_path_factory.mktemp("shared")
            patch.syspath_prepend(folder)
            return stack.enter_context(started(folder, loop_factory=loop_factory))

        yield core


@pytest.fixture
def others(running: Running) -> Iterator[Others]:
    """Two clients that exchange a message before and after the test."""
    with running.connected("publisher") as publisher, running.connected("subscriber") as subscriber:
        subscriber.subscribe("others")
        others = Others(publisher, subscriber)
        others.exchange()
        yield others
        others.exchange()


@pytest.fixture
def config(folder: Path) -> Path:
    """The configuration of an authorizer that accepts tokens of the development issuer."""
    (folder / "policy.toml").write_text(TEMPLATE)
    (folder / "authorizer.toml").write_text(
        CONFIGURATION + 'policy = "policy.toml"\n[anonymous]\nprincipal = "nobody"\n'
    )
    return folder / "authorizer.toml"


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """`iot-authorizer dev`, whose authorizer allows everything."""
    allow_files(4096)
    with everybody(tmp_path) as dev:
        yield dev
