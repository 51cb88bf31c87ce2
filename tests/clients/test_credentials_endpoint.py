"""Real clients with keys of the credentials endpoint: one POST, and then their own topics."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.iam.access_keys import AccessKey
from tests.clients.needs import needs
from tests.clients.test_signing_clients import FOLDER, NODE_CLIENTS, REGION, core_of, last, run_node
from tests.local.iam.signers import stranger

pytestmark = pytest.mark.slow

TEMPLATE = """\
[[grant]]
connect   = ["{principal}", "{principal}/*"]
publish   = ["allowed/{principal}"]
subscribe = ["allowed/{principal}", "allowed/all"]
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    with core_of(tmp_path_factory.mktemp("core"), TEMPLATE, "\n[credentials]\n") as core:
        yield core


def key_from(core: LocalIotCore, client_id: str) -> AccessKey:
    """The key that a POST with a token of ann gives."""
    request = urllib.request.Request(
        core.credentials_url or "",
        json.dumps({"clientId": client_id}).encode(),
        {"Authorization": f"Bearer {core.token('ann')}"},
    )
    with urllib.request.urlopen(request) as answer:
        found: Any = json.load(answer)
    assert (found["endpoint"], found["clientId"]) == (f"localhost:{core.tls_port}", client_id)
    return stranger(found["AccessKeyId"], found["SessionToken"], found["SecretAccessKey"])


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_a_client_uses_its_own_topic(core: LocalIotCore, client: str) -> None:
    name = f"ann/{client}"  # IoT Core takes one connection a second of one client ID.
    found = run_node(core, client, key_from(core, name), clientId=name, topic="allowed/ann", will=None)
    assert found == [["message", "allowed/ann", "hello"]]


@pytest.mark.parametrize("client", NODE_CLIENTS)
def test_the_topic_of_another_client_is_refused(core: LocalIotCore, client: str) -> None:
    name = f"ann/other/{client}"
    events = run_node(core, client, key_from(core, name), clientId=name, topic="allowed/bob", will=None)
    assert "message" not in [event for event, *_ in events]
    assert last(core, "decision")["reason"] == "not_allowed_by_policy"


def from_http(core: LocalIotCore, authorization: str, *topics: str) -> list[list[str]]:
    """What the AWS SDK for JavaScript v3 does with the answer of the endpoint."""
    node = needs("@aws-sdk/credential-provider-http")
    options = {
        "url": f"{core.credentials_url}?clientId=ann",
        "authorization": authorization,
        "host": f"localhost:{core.tls_port}",
        "region": REGION,
        "topics": topics,
    }
    command = [node, str(FOLDER / "from_http.cjs"), json.dumps(options)]
    environment = {"NODE_EXTRA_CA_CERTS": str(core.ca_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_javascript_sdk_fetches_credentials_itself(core: LocalIotCore) -> None:
    found = from_http(core, f"Bearer {core.token('ann')}", "allowed/ann", "allowed/bob")
    assert found[0] == ["published", "allowed/ann"]
    assert found[1][:2] == ["error", "ForbiddenException"]


def test_the_javascript_sdk_shows_the_reason_of_a_refusal(core: LocalIotCore) -> None:
    ((event, code, _),) = from_http(core, "Bearer a.b.c", "allowed/ann")
    assert (event, code) == ("error", "malformed_token")
