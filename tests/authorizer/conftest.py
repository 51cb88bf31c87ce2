"""What the authorizer's tests share."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iot_authorizer import development
from tests.authorizer.handlers import Running, start
from tests.authorizer.tables import Identities

Start = Callable[..., Running]


@pytest.fixture(scope="session")
def authorizer(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Trusts the tokens of `tokens.mint`, and nothing else; keeps nothing from one event to the next."""
    return start(tmp_path_factory.mktemp("authorizer"))


@pytest.fixture
def every_level() -> Iterator[None]:
    """Logs at DEBUG, as Lambda does where its log level says so."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)


@pytest.fixture
def identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Identities:
    """The table of authorizers in this process."""
    path = tmp_path / "identities.sqlite"
    monkeypatch.setenv(development.TABLE, str(path))
    return Identities(path, now=int(time.time()))


@pytest.fixture
def started(tmp_path: Path, identities: Identities) -> Start:
    """Starts an authorizer with the table."""

    def started(*tables: str) -> Running:
        return start(tmp_path, *tables, environment={"AUTHORIZER__TABLE": "identities"})

    return started
