"""A fixture for pytest: IoT Core on this machine, with the authorizer of a project.

The setting `iot_authorizer_config` names its `authorizer.toml`, from where pytest's own configuration stands.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from iot_authorizer_cli.local_iot_core import LocalIotCore

_SETTING = "iot_authorizer_config"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the setting."""
    parser.addini(_SETTING, "the authorizer.toml for the fixture local_iot_core", default="authorizer.toml")


@pytest.fixture
def local_iot_core(pytestconfig: pytest.Config) -> "Iterator[LocalIotCore]":
    """IoT Core in a thread, on ports of its own, without its limits a second: tests are fast."""
    from iot_authorizer_cli.local_iot_core import LocalIotCore  # noqa: PLC0415
    from iot_core.broker.limits import IOT_CORE  # noqa: PLC0415 (pytest loads this module for every suite)
    from iot_core.functions.lambda_function import BrokenHandler  # noqa: PLC0415
    from iot_policies import InvalidFile  # noqa: PLC0415

    config = pytestconfig.rootpath / pytestconfig.getini(_SETTING)
    with contextlib.ExitStack() as stack:
        try:
            core = stack.enter_context(LocalIotCore(config, limits=IOT_CORE.without_throttling()))
        except (InvalidFile, BrokenHandler) as error:
            pytest.fail(f"local_iot_core: {error} (the setting {_SETTING} names another file)", pytrace=False)
        yield core
