"""The pytest fixture `local_iot_core`: IoT Core on this machine, with the authorizer of your project.

    def test_a_client_connects(local_iot_core):
        client = connect(local_iot_core.port, password=local_iot_core.token("ann", {"rooms": ["lobby"]}))

- Each test gets an IoT Core of its own, on free ports, with a temporary data folder. It runs in a thread, so blocking
  clients work. `LocalIotCore` documents what it offers: `port`, `tls_port`, `url`, `ca_path`, `token`.
- IoT Core's rate limits are off, so that tests are fast.
- The setting `iot_authorizer_config` names the `authorizer.toml`, relative to pytest's root folder.
- pytest loads this module for every suite, so everything else is imported only when a test uses the fixture.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from iot_authorizer_cli.local_iot_core import LocalIotCore

_SETTING = "iot_authorizer_config"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the setting `iot_authorizer_config`."""
    parser.addini(_SETTING, "the authorizer.toml for the fixture local_iot_core", default="authorizer.toml")


@pytest.fixture
def local_iot_core(pytestconfig: pytest.Config) -> "Iterator[LocalIotCore]":
    """IoT Core on this machine, with the authorizer of your project. Each test gets its own."""
    from iot_authorizer_cli.local_iot_core import LocalIotCore  # noqa: PLC0415
    from iot_core.broker.limits import IOT_CORE  # noqa: PLC0415
    from iot_core.functions.lambda_function import BrokenHandler  # noqa: PLC0415
    from iot_policies import InvalidFile  # noqa: PLC0415

    config = pytestconfig.rootpath / pytestconfig.getini(_SETTING)
    with contextlib.ExitStack() as stack:
        try:
            core = stack.enter_context(LocalIotCore(config, limits=IOT_CORE.without_throttling()))
        except (InvalidFile, BrokenHandler) as error:
            pytest.fail(f"local_iot_core: {error} (the setting {_SETTING} names another file)", pytrace=False)
        yield core
