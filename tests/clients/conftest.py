"""A server for the real clients, and a watcher of whom it throws out."""

from collections.abc import Iterator

import pytest

from tests.clients.presence import Watcher
from tests.clients.server import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """IoT Core on this machine, on which an authorizer's minutes pass in a fraction of a second."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def watcher(server: Server) -> Iterator[Watcher]:
    """Sees why connections end, and what is said in any room."""
    with Watcher(server) as watcher:
        yield watcher
