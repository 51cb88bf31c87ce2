"""Real clients that sign their URL or their requests with an access key."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from awscrt import auth, mqtt
from awscrt.exceptions import AwsCrtError
from awsiot import mqtt_connection_builder

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.access_keys import AccessKey, owner_key
from iot_core.iam.roles import Role, RoleSession
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.documents import parse_document
from tests.clients.chromium_client import ChromiumConnection
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.server import Server
from tests.local.iam.signers import Signer, policy

pytestmark = pytest.mark.slow

CONFIGURATION = 'name = "chat"\npolicy = "policy.toml"\n'
TEMPLATE = '[[grant]]\nconnect = ["{principal}"]\n'
REGION = "eu-west-1"
SCRIPT = Path(__file__).parent / "signing_clients.cjs"
NODE_CLIENTS = ["aws-mqtt", "aws-iot-device-sdk", "aws-signature-v4", "mqtt-3.1"]


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    folder = tmp_path_factory.mktemp("core")
    (folder / "policy.toml").write_text(TEMPLATE)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    with LocalIotCore(folder / "authorizer.toml", region=REGION) as core:
        core.iot_core.roles.put(Role("everything", parse_document(policy(("*", "*")))))
        yield core


@pytest.fixture
def owner(core: LocalIotCore) -> AccessKey:
    """The owner's key."""
    return core.iot_core.access_keys.owner


def issued(core: LocalIotCore, expires_in: int) -> AccessKey:
    """A temporary key that may do everything."""
    session = RoleSession("everything", "ann", int(time.time()), int(time.time()) + expires_in)
    return core.call(lambda: core.iot_core.temporary_keys.issue(session))


def for_node(key: AccessKey) -> dict[str, str]:
    """Credentials as JavaScript's SDKs name them."""
    token = {} if key.session_token is None else {"sessionToken": key.session_token}
    return {"accessKeyId": key.key_id, "secretAccessKey": key.secret, **token}


def run_node(
    core: LocalIotCore,
    client: str,
    key: AccessKey,
    region: str = REGION,
    fresh: AccessKey | None = None,
    client_id: str | None = None,
    topic: str | None = None,
) -> list[list[str]]:
    """What a client prints: its events, the last one when it ends. It reconnects only with fresh credentials."""
    node = needs(client)
    options = {
        "host": f"localhost:{core.tls_port}",
        "region": region,
        "credentials": for_node(key),
        "fresh": None if fresh is None else for_node(fresh),
        "clientId": client_id or f"{client}-{key.key_id}",  # IoT Core takes one connection a second of one client ID.
        "topic": topic or f"/myTopic/{client}",
        "ca": str(core.ca_path),
    }
    command = [node, str(SCRIPT), client, json.dumps(options)]
    environment = {"NODE_EXTRA_CA_CERTS": str(core.ca_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def last(core: LocalIotCore, kind: str) -> dict[str, Any]:
    """The last record of a kind in the feed."""
    records = core.call(lambda: list(core.feed.recent()))
    return dict(next(record for record in reversed(records) if record["kind"] == kind))


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_the_owner_publishes_and_receives_with_the_client_unmodified(
    core: LocalIotCore, owner: AccessKey, client: str
) -> None:
    assert run_node(core, client, owner) == [["message", f"/myTopic/{client}", "hello"]]


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_temporary_credentials_work_too(core: LocalIotCore, client: str) -> None:
    key = issued(core, 3600)
    assert run_node(core, client, key) == [["message", f"/myTopic/{client}", "hello"]]


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_expired_credentials_are_refused_and_the_feed_says_so(core: LocalIotCore, client: str) -> None:
    key = issued(core, -1)
    assert "message" not in [event for event, *_ in run_node(core, client, key)]
    assert last(core, "refused_bytes")["reason"] == "credentials_expired"


def test_aws_mqtt_signs_with_refreshed_credentials_when_it_reconnects(core: LocalIotCore) -> None:
    stale, fresh = issued(core, -1), issued(core, 3600)
    events = run_node(core, "aws-mqtt", stale, fresh=fresh)
    assert ["close"] in events[:-1]
    assert events[-1] == ["message", "/myTopic/aws-mqtt", "hello"]


def test_a_single_publish_of_aws_mqtt(core: LocalIotCore, owner: AccessKey) -> None:
    assert run_node(core, "publishMessage", owner) == [["published"]]


def test_the_newest_aws_signature_v4_is_refused_and_the_feed_says_why(core: LocalIotCore, owner: AccessKey) -> None:
    assert run_node(core, "aws-signature-v4-too-new", owner) == [["close"]]
    record = last(core, "refused_bytes")
    assert record["reason"] == "aws_signature_mismatch"
    assert "hash is hashed again" in record["detail"]


def test_another_region_is_refused_and_the_feed_says_so(core: LocalIotCore, owner: AccessKey) -> None:
    run_node(core, "aws-mqtt", owner, "us-east-1")
    assert last(core, "refused_bytes")["detail"] == "the credential: expected the region eu-west-1, found us-east-1"


TOPICS = ["a/b c", "a=c&d", "ä/*('~!)", "a//b", "%2F", "?x"]


@pytest.mark.parametrize("temporary", [False, True])
def test_boto3_signs_any_topic_and_payload(core: LocalIotCore, owner: AccessKey, temporary: bool) -> None:
    key = issued(core, 3600) if temporary else owner
    session = boto3.Session(key.key_id, key.secret, key.session_token, REGION)
    data, iot = session.client("iot-data", endpoint_url=core.url), session.client("iot", endpoint_url=core.url)
    for topic in TOPICS:
        data.publish(topic=topic, qos=1, retain=True, payload=bytes(range(256)), contentType="a b+/ä")
        assert data.get_retained_message(topic=topic)["payload"] == bytes(range(256))
    assert [each["authorizerName"] for each in iot.list_authorizers(pageSize=5)["authorizers"]] == ["chat"]


def awsiotsdk(core: LocalIotCore, key: AccessKey) -> mqtt.Connection:
    """AWS's device SDK v2 for Python, which signs the header Connection as well, and the host without its port."""
    provider = auth.AwsCredentialsProvider.new_static(key.key_id, key.secret, key.session_token)
    return mqtt_connection_builder.websockets_with_default_aws_signing(
        region=REGION,
        credentials_provider=provider,
        endpoint="localhost",
        port=core.tls_port,
        ca_filepath=str(core.ca_path),
        client_id=f"sdk-v2-{key.key_id}",
    )


@pytest.mark.parametrize("temporary", [False, True])
def test_the_device_sdk_v2_connects(core: LocalIotCore, owner: AccessKey, temporary: bool) -> None:
    key = issued(core, 3600) if temporary else owner
    connection = awsiotsdk(core, key)
    assert connection.connect().result(PATIENCE) == {"session_present": False}
    connection.disconnect().result(PATIENCE)


def test_the_device_sdk_v2_with_a_wrong_secret_is_refused(core: LocalIotCore, owner: AccessKey) -> None:
    with pytest.raises(AwsCrtError, match="UPGRADE_FAILURE"):
        awsiotsdk(core, replace(owner, secret="wrong")).connect().result(PATIENCE)
    assert last(core, "refused_bytes")["reason"] == "aws_signature_mismatch"


def test_two_browsers_publish_and_receive_with_signed_urls(server: Server) -> None:
    owner = owner_key(server.data, EXAMPLE_PLACE)
    signer = Signer(owner, region=EXAMPLE_PLACE.region, expires=15, host=f"{server.host}:{server.port}")

    def browser(client_id: str) -> ChromiumConnection:
        return ChromiumConnection(server, client_id, "", signed=signer._replace(at=time.time()).url())

    with browser("first") as first, browser("second") as second:
        both = (first, second)
        assert [each.next().kind for each in both] == ["connected"] * 2
        for each in both:
            each.subscribe("/myTopic")
        assert [each.next().kind for each in both] == ["subscribed"] * 2
        first.publish("/myTopic", "hello")
        assert [each.next() for each in both] == [("message", "/myTopic\nhello")] * 2
