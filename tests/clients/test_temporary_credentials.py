"""Real clients with temporary credentials that a template limits: from STS, by the owner's key."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.access_keys import AccessKey
from iot_policies import PolicyTemplate, Principal
from iot_policies.errors import SessionPolicyTooLarge
from iot_policies.session_policy import compile_session_policy
from tests.clients.test_signing_clients import NODE_CLIENTS, core_of, last, run_node
from tests.local.iam.signers import stranger

pytestmark = pytest.mark.slow

TEMPLATE = """\
[[grant]]
connect   = ["{principal}", "{principal}/*"]
publish   = ["rooms/{claims.rooms}"]
subscribe = ["rooms/{claims.rooms}"]
"""
ROLE = "arn:aws:iam::123456789012:role/iot-authorizer-client"


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    with core_of(tmp_path_factory.mktemp("core"), TEMPLATE) as core:
        yield core


def session_policy(core: LocalIotCore, client_id: str, *rooms: str) -> str:
    template = core.configuration.template
    assert isinstance(template, PolicyTemplate)
    ann = Principal("ann", {"rooms": list(rooms)})
    return compile_session_policy(template, ann, client_id=client_id, place=core.place).text


def assumed(core: LocalIotCore, policy: str) -> AccessKey:
    """The key that STS gives the owner, with a session policy."""
    owner = core.iot_core.access_keys.owner
    sts = boto3.client(
        "sts",
        core.place.region,
        endpoint_url=core.url,
        aws_access_key_id=owner.key_id,
        aws_secret_access_key=owner.secret,
    )
    answer: Any = sts.assume_role(RoleArn=ROLE, RoleSessionName="ann", Policy=policy)
    found = answer["Credentials"]
    return stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_a_client_uses_its_own_client_id_and_room(core: LocalIotCore, client: str) -> None:
    key = assumed(core, session_policy(core, f"ann/{client}", "lobby"))
    found = run_node(core, client, key, clientId=f"ann/{client}", topic="rooms/lobby", will=None)
    assert found == [["message", "rooms/lobby", "hello"]]


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_another_client_id_of_the_same_principal_is_refused(core: LocalIotCore, client: str) -> None:
    key = assumed(core, session_policy(core, "ann/phone", "lobby"))
    events = run_node(core, client, key, clientId=f"ann/laptop/{client}", topic="rooms/lobby", will=None)
    assert "message" not in [event for event, *_ in events]
    record = last(core, "decision")
    assert (record["reason"], record["principal"]) == ("connect_not_allowed", "iot-authorizer-client/ann")


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_another_room_is_refused(core: LocalIotCore, client: str) -> None:
    key = assumed(core, session_policy(core, f"ann/room/{client}", "lobby"))
    events = run_node(core, client, key, clientId=f"ann/room/{client}", topic=f"rooms/{client}", will=None)
    assert "message" not in [event for event, *_ in events]
    records = core.call(lambda: list(core.feed.recent()))
    denied = [(each["action"], each["resource"]) for each in records if each.get("reason") == "not_allowed_by_policy"]
    assert ("subscribe", f"rooms/{client}") in denied


def test_too_many_rooms_do_not_fit_into_a_session_policy(core: LocalIotCore) -> None:
    with pytest.raises(SessionPolicyTooLarge):
        session_policy(core, "ann", *(f"room-number-{number}" for number in range(40)))
