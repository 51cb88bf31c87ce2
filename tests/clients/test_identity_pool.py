"""AWS's SDK for JavaScript v2 as a guest of the identity pool, with AWS's device SDK v1 for its connection."""

from collections.abc import Iterator

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.clients.needs import needs
from tests.clients.test_signing_clients import core_of, last, run_node

pytestmark = pytest.mark.slow

TEMPLATE = """\
[[grant]]
connect   = ["{principal}"]
publish   = ["guests/{principal}"]
subscribe = ["guests/{principal}"]
"""
ANONYMOUS = '\n[anonymous]\nprincipal = "guest"\n'


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    with core_of(tmp_path_factory.mktemp("core"), TEMPLATE, ANONYMOUS) as core:
        yield core


def guest(core: LocalIotCore, others: str = "") -> list[list[str]]:
    """What a guest prints that uses its own topic, or that of another guest."""
    needs("aws-iot-device-sdk")
    owner = core.iot_core.access_keys.owner  # The SDK does not use it.
    pool = {"pool": core.identity_pool_id, "poolEndpoint": core.url}
    return run_node(core, "aws-sdk-cognito", owner, topic=others, **pool)


def test_a_guest_uses_its_own_topic(core: LocalIotCore) -> None:
    ((event, topic, payload),) = guest(core)
    assert (event, topic.startswith("guests/eu-west-1:"), payload) == ("message", True, "hello")


def test_the_topic_of_another_guest_is_refused(core: LocalIotCore) -> None:
    assert "message" not in [event for event, *_ in guest(core, "guests/eu-west-1:another")]
    assert last(core, "decision")["reason"] == "not_allowed_by_policy"
