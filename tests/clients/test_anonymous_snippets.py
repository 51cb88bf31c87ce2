"""What `iot-authorizer connect --anonymous` prints for clients without credentials, run as printed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests import ROOT
from tests.cdk.configurations import ANYBODY
from tests.clients.test_fleet_snippets import PUBLISHED, printed
from tests.clients.test_snippets import GREETINGS, run


@pytest.fixture(scope="module", params=["public", "any"])
def open_core(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    """IoT Core with the ready template for clients without credentials, or with any client ID."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "public.toml").write_text((ROOT / "policies" / "public.toml").read_text())
    (folder / "any.toml").write_text(ANYBODY)
    config = folder / "authorizer.toml"
    config.write_text(f'name = "open"\npolicy = "{request.param}.toml"\n[anonymous]\nprincipal = "public"\n')
    with LocalIotCore(config, folder=folder / "data", limits=IOT_CORE.without_throttling()) as core:
        yield core


def is_public(core: LocalIotCore) -> bool:
    """Whether its clients receive their own messages."""
    return "public.toml" in str(core.configuration.policy_path)


@pytest.mark.parametrize("client", GREETINGS)
def test_a_client_without_credentials_subscribes_and_publishes(
    open_core: LocalIotCore, tmp_path: Path, client: str
) -> None:
    before = {record["id"] for record in open_core.feed.recent()}
    done = run(tmp_path, client, printed(open_core, client, "--anonymous"))
    said = GREETINGS[client] if is_public(open_core) else PUBLISHED
    assert (done.returncode, said in done.stdout, done.stderr) == (0, True, "")
    records = [record for record in open_core.feed.recent() if record["id"] not in before]
    decisions = [record for record in records if record["kind"] == "decision"]
    assert {(each["allowed"], each["principal"], each["source"]) for each in decisions} == {
        (True, "public", "anonymous")
    }
    assert {"connect", "publish"} <= {each["action"] for each in decisions}


def test_a_client_without_credentials_publishes_over_https(open_core: LocalIotCore, tmp_path: Path) -> None:
    done = run(tmp_path, "curl", printed(open_core, "curl", "--anonymous"))
    assert (done.returncode, json.loads(done.stdout)["message"]) == (0, "OK")


def test_a_client_without_credentials_may_choose_any_client_id_that_the_template_grants(
    open_core: LocalIotCore, tmp_path: Path
) -> None:
    own = "public/1" if is_public(open_core) else "client-1"
    done = run(tmp_path, "paho", printed(open_core, "paho", "--anonymous", "--client-id", own))
    assert (done.returncode, done.stderr) == (0, "")
