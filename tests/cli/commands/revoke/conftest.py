"""Fixtures of the tests of `iot-authorizer revoke`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.project.development_issuer import DATA, table_path
from iot_identities.sqlite_table import SqliteTable
from tests.cli.commands.revoke.running import configure, lock_out, running
from tests.clients.presence import Watcher
from tests.clients.server import Server
from tests.identities.conftest import _environment, aws, dynamodb_name, patient  # noqa: F401 (fixtures)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration and its template."""
    configure(tmp_path)
    return tmp_path


@pytest.fixture
def table(folder: Path) -> SqliteTable:
    """The local table of the folder."""
    (folder / DATA).mkdir()
    found = SqliteTable(table_path(folder / DATA))
    found.read([])
    return found


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """IoT Core on this machine, with a table of identities that it reads for every client."""
    with running(tmp_path_factory.mktemp("server")) as server:
        lock_out(server, "principal", "first")  # The first command says that it made the table.
        yield server


@pytest.fixture(scope="package")
def watcher(server: Server) -> Iterator[Watcher]:
    """Watches why connections end."""
    with Watcher(server) as watcher:
        yield watcher
