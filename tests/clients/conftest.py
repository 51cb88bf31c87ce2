"""A server for the real clients, and a watcher that sees why their connections end."""

from collections.abc import Iterator

import pytest

from tests.clients.presence import Watcher
from tests.clients.server import Server, running
from tests.clients.tabs import browser, playwright, start

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
