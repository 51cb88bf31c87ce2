"""A test that takes `broker` runs with clients of MQTT 3.1.1 and of MQTT 5."""

import pytest

from iot_core.mqtt import Version
from tests.local.broker.bench import Bench


@pytest.fixture(params=[Version.MQTT_3_1_1, Version.MQTT_5], ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Version:
    found = request.param
    assert isinstance(found, Version)
    return found


@pytest.fixture
def broker(version: Version) -> Bench:
    return Bench(version)
