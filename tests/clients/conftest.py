"""A server for the real clients, and a watcher that sees why their connections end."""

from collections.abc import Iterator

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import browser, playwright
from tests.clients.presence import Watcher
from tests.clients.server import Server, running
from tests.clients.tabs import start

__all__ = ["browser", "playwright", "server", "start", "watcher"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """IoT Core on this machine, with an authorizer's seconds passing faster."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def watcher(server: Server) -> Iterator[Watcher]:
    """A client that receives all presence events and the messages of all rooms."""
    with Watcher(server) as watcher:
        yield watcher


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    """IoT Core for programs of the account's owner and of roles, which the authorizer is not asked about."""
    folder = tmp_path_factory.mktemp("account")
    (folder / "policy.toml").write_text('[[grant]]\nconnect = ["{principal}"]\n')
    (folder / "authorizer.toml").write_text('name = "chat"\npolicy = "policy.toml"\n')
    with LocalIotCore(folder / "authorizer.toml", region="us-east-1") as core:
        yield core
