"""Real clients that sign their URL or their requests with an access key."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from awscrt import auth, mqtt
from awscrt.exceptions import AwsCrtError
from awsiot import mqtt_connection_builder
from playwright.sync_api import sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.access_keys import AccessKey, owner_key
from iot_core.iam.roles import Role, RoleSession
from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.documents import parse_document
from tests import ROOT
from tests.clients.chromium_client import ARGUMENTS, ChromiumConnection
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.server import Server
from tests.local.iam.signers import Signer, policy

pytestmark = pytest.mark.slow

CONFIGURATION = 'name = "chat"\npolicy = "policy.toml"\n'
TEMPLATE = '[[grant]]\nconnect = ["{principal}"]\n'
REGION = "eu-west-1"
FOLDER = Path(__file__).parent
NODE_CLIENTS = [
    "aws-mqtt",
    "aws-iot-device-sdk",
    "aws-signature-v4",
    "paho-mqtt",
    "aws-iot-device-sdk-v2",
    "@aws-amplify/pubsub",
]
DATA_CLIENTS = ["aws-sdk", "@aws-sdk/client-iot-data-plane"]
"""Clients that publish over HTTPS."""
SDKS = {"aws-iot-device-sdk-v2", "@aws-amplify/pubsub", "aws-sdk-cognito", *DATA_CLIENTS}
"""AWS's large packages."""
TOPICS = ["a/b c", "a=c&d", "ä/*('~!)", "a//b", "%2F", "?x"]


def core_of(folder: Path, template: str, tables: str = "") -> LocalIotCore:
    """IoT Core with an authorizer of a template, and more tables of the configuration."""
    (folder / "policy.toml").write_text(template)
    (folder / "authorizer.toml").write_text(f"{CONFIGURATION}{tables}")
    return LocalIotCore(folder / "authorizer.toml", region=REGION)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    with core_of(tmp_path_factory.mktemp("core"), TEMPLATE) as core:
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


IN_A_BROWSER = """async (options) => {
  options.credentials.get = (done) => done(null); // As AWS's SDK refreshes them.
  window.client = new (require("aws-mqtt"))(options);
  window.received = [];
  client.on("message", (topic, payload) => received.push(`${topic} ${payload}`));
  await new Promise((resolve) => client.on("connect", () => client.subscribe("/chat", resolve)));
}"""


def for_node(key: AccessKey) -> dict[str, str]:
    """Credentials as JavaScript's SDKs name them."""
    token = {} if key.session_token is None else {"sessionToken": key.session_token}
    return {"accessKeyId": key.key_id, "secretAccessKey": key.secret, **token}


def run_node(core: LocalIotCore, client: str, key: AccessKey, **changes: object) -> list[list[str]]:
    """What a client prints: its events, the last one when it ends; `changes` are other options than the usual ones.

    It reconnects only with fresh credentials.
    """
    node = needs(client)
    options = {
        "host": f"localhost:{core.tls_port}",
        "region": REGION,
        "credentials": for_node(key),
        "clientId": f"{client}-{key.key_id}",  # IoT Core takes one connection a second of one client ID.
        "topic": f"/myTopic/{client}",
        "topics": TOPICS,
        "will": {"topic": "WillMsg", "payload": "gone", "qos": 0, "retain": False},
        "ca": str(core.ca_path),
        **changes,
    }
    script = "sdk_clients.cjs" if client in SDKS else "signing_clients.cjs"
    command = [node, str(FOLDER / script), client, json.dumps(options)]
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


@pytest.mark.parametrize("client", DATA_CLIENTS)
def test_the_data_plane_takes_any_topic_from_the_client_unmodified(
    core: LocalIotCore, owner: AccessKey, client: str
) -> None:
    expected = [["retained", topic, topic] for topic in TOPICS]
    for key in (owner, issued(core, 3600)):
        assert run_node(core, client, key) == expected
    assert run_node(core, client, replace(owner, secret="wrong"))[0][:2] == ["error", "InvalidSignatureException"]


def test_aws_mqtt_signs_with_refreshed_credentials_when_it_reconnects(core: LocalIotCore) -> None:
    stale, fresh = issued(core, -1), issued(core, 3600)
    events = run_node(core, "aws-mqtt", stale, fresh=for_node(fresh))
    assert ["close"] in events[:-1]
    assert events[-1] == ["message", "/myTopic/aws-mqtt", "hello"]


def test_a_single_publish_of_aws_mqtt(core: LocalIotCore, owner: AccessKey) -> None:
    assert run_node(core, "publishMessage", owner) == [["published"]]


def test_the_newest_aws_signature_v4_is_refused_and_the_feed_says_why(core: LocalIotCore, owner: AccessKey) -> None:
    assert run_node(core, "aws-signature-v4-too-new", owner) == [["close"]]
    record = last(core, "refused_bytes")
    assert record["reason"] == "aws_signature_mismatch"
    assert "hash is hashed again" in record["detail"]


@pytest.mark.parametrize("temporary", [False, True])
def test_the_device_sdk_v1_for_python_gets_each_message(core: LocalIotCore, owner: AccessKey, temporary: bool) -> None:
    key = issued(core, 3600) if temporary else owner
    data = boto3.Session(owner.key_id, owner.secret, None, REGION).client("iot-data", endpoint_url=core.url)
    data.publish(topic="/kept", qos=1, retain=True, payload=b"kept")
    options = {
        "port": core.tls_port,
        "region": REGION,
        "key_id": key.key_id,
        "secret": key.secret,
        "token": key.session_token,
        "client_id": f"python-v1-{key.key_id}",
        "topic": "/kept",
        "ca": str(core.ca_path),
    }
    command = [sys.executable, str(FOLDER / "python_sdk_v1.py"), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 3, check=False)
    assert done.stdout.split() == ["kept", "hello"], done.stderr


def test_botocores_query_signer_signs_the_session_token_which_is_refused(core: LocalIotCore) -> None:
    key, host = issued(core, 3600), f"localhost:{core.tls_port}"
    signer = Signer(key, region=REGION, host=host, at=time.time())
    upgrade = partial(connect, subprotocols=[Subprotocol("mqtt")], ssl=ssl.create_default_context(cafile=core.ca_path))
    with upgrade(f"wss://{host}/mqtt?{signer.url()}"):
        pass
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        upgrade(f"wss://{host}/mqtt?{signer.url(with_token=True)}")
    assert "X-Amz-Security-Token is signed" in last(core, "refused_bytes")["detail"]


def test_two_browsers_publish_and_receive_with_aws_mqtt(core: LocalIotCore, owner: AccessKey) -> None:
    program, node = needs("chromium"), needs("browserify")
    browserify = ROOT / "tests" / "clients" / "node_modules" / "browserify" / "bin" / "cmd.js"
    bundle = subprocess.run([node, browserify, "-r", "aws-mqtt"], cwd=ROOT, capture_output=True, text=True, check=True)
    options = {"region": REGION, "endpoint": f"localhost:{core.tls_port}", "credentials": for_node(owner)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        pages = [browser.new_page(ignore_https_errors=True) for _ in range(2)]
        for index, page in enumerate(pages):
            page.add_script_tag(content=bundle.stdout)
            page.evaluate(IN_A_BROWSER, {**options, "clientId": f"browser-{index}"})
        pages[0].evaluate("() => void client.publish('/chat', 'hello')")
        for page in pages:
            page.wait_for_function("received.length > 0", timeout=PATIENCE * 1000)
            assert page.evaluate("received") == ["/chat hello"]
        browser.close()


def test_another_region_is_refused_and_the_feed_says_so(core: LocalIotCore, owner: AccessKey) -> None:
    run_node(core, "aws-mqtt", owner, region="us-east-1")
    assert last(core, "refused_bytes")["detail"] == "the credential: expected the region eu-west-1, found us-east-1"


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
