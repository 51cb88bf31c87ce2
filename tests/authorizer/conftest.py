"""What the authorizer's tests share."""

import logging
from collections.abc import Iterator

import pytest

from tests.authorizer.handlers import Running, start


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
