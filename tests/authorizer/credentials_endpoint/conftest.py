"""The endpoint that most tests ask."""

from pathlib import Path

import pytest

from tests.authorizer.credentials_endpoint.endpoint import PAGE, Endpoint, start


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    return start(tmp_path, origins=[PAGE])
