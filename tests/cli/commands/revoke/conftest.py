"""What the tests of `iot-authorizer revoke` share."""

from collections.abc import Iterator

import pytest

from tests.cli.commands.revoke.running import running
from tests.clients.presence import Watcher
from tests.clients.server import Server
from tests.identities.conftest import _environment, aws, dynamodb_name, patient  # noqa: F401 (fixtures)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """IoT Core on this machine, with a table of identities that it reads for every client."""
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="package")
def watcher(server: Server) -> Iterator[Watcher]:
    """Sees why connections end."""
    with Watcher(server) as watcher:
        yield watcher
