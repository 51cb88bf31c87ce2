"""A test that takes `broker` runs with clients of MQTT 3.1.1 and of MQTT 5."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_core.broker import storage
from iot_core.broker.database import open_database
from iot_core.mqtt import Version
from tests.local.broker.bench import Bench


@pytest.fixture(autouse=True)
def closed_databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what a test leaves open: since version 3.13, Python warns of each database that is not closed."""
    opened: list[sqlite3.Connection] = []

    def noted(path: Path | str) -> sqlite3.Connection:
        opened.append(open_database(path))
        return opened[-1]

    monkeypatch.setattr(storage, "open_database", noted)
    yield
    for database in opened:
        database.close()


@pytest.fixture(params=[Version.MQTT_3_1_1, Version.MQTT_5], ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Version:
    found = request.param
    assert isinstance(found, Version)
    return found


@pytest.fixture
def broker(version: Version) -> Bench:
    return Bench(version)
