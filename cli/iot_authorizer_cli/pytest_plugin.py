"""The pytest fixture `local_iot_core`: IoT Core on this machine, with the authorizer of your project.

    def test_ann_speaks_in_the_lobby_only(local_iot_core):
        assert local_iot_core.allows("ann", {"rooms": ["lobby"]}, "publish", "rooms/lobby/say/ann")
        assert not local_iot_core.allows("ann", {"rooms": ["lobby"]}, "publish", "rooms/attic/say/ann")

- `IotCoreUnderTest` documents what it offers: `allows`, `client`, `decisions`, and everything of `LocalIotCore`.
- Each test gets an IoT Core of its own, on free ports, with a temporary data folder. It runs in a thread, so blocking
  clients work.
- IoT Core's rate limits are off, so that tests are fast.
- The report of a test that failed has the decisions that were made in it.
- The setting `iot_authorizer_config` names the `authorizer.toml`, relative to pytest's root folder.
- pytest loads this module for every suite, so everything else is imported only when a test uses the fixture.
"""

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from iot_authorizer_cli.testing import IotCoreUnderTest

_SETTING = "iot_authorizer_config"
_SECTION = "decisions of IoT Core on this machine"
_CORE = pytest.StashKey["IotCoreUnderTest"]()
"""The IoT Core of a test that runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the setting `iot_authorizer_config`."""
    parser.addini(_SETTING, "the authorizer.toml for the fixture local_iot_core", default="authorizer.toml")


@pytest.fixture
def local_iot_core(request: pytest.FixtureRequest) -> "Iterator[IotCoreUnderTest]":
    """IoT Core on this machine, with the authorizer of your project: `allows`, `client`, `decisions`.

    Each test gets its own. `iot_authorizer_cli.testing.IotCoreUnderTest` documents it.
    """
    from iot_authorizer_cli.testing import IotCoreUnderTest  # noqa: PLC0415
    from iot_core.broker.limits import IOT_CORE  # noqa: PLC0415
    from iot_core.functions.lambda_function import BrokenHandler  # noqa: PLC0415
    from iot_policies import InvalidFile  # noqa: PLC0415

    config = request.config.rootpath / request.config.getini(_SETTING)
    with contextlib.ExitStack() as stack:
        try:
            core = stack.enter_context(IotCoreUnderTest(config, limits=IOT_CORE.without_throttling()))
        except (InvalidFile, BrokenHandler) as error:
            problem = f"local_iot_core: {error} (the setting {_SETTING} names another file)"
            raise pytest.fail.Exception(problem, pytrace=False) from None
        request.node.stash[_CORE] = core
        yield core
        del request.node.stash[_CORE]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the decisions to the report of a test that failed, also in a fixture that uses this one."""
    report = yield
    core = item.stash.get(_CORE, None)
    if core is not None and report.failed:
        report.sections.append((_SECTION, core.described_decisions()))
    return report
