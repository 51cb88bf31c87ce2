"""`diff --live`: the clients that are connected to a running `dev`, and what an edit changes for each."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from iot_authorizer_cli import live_clients
from iot_authorizer_cli.dev_endpoint import DevEndpoint, HttpAnswer
from iot_authorizer_cli.testing.iot_core_under_test import IotCoreUnderTest
from iot_core.broker.limits import IOT_CORE
from iot_policies.account_region import EXAMPLE_PLACE
from tests.cli.commands.revoke.endpoints import answering, dripping
from tests.cli.conftest import Run, refused
from tests.local.iam.signers import Signer

CHAT = "policies/chat.toml"
NOT_THIS_DEV = (
    "--live: {} is not the `dev` of this data folder: name the data folder of the running `dev` with --data, or its "
    "TLS port with --endpoint-url"
)


@pytest.fixture
def core(folder: Path) -> Iterator[IotCoreUnderTest]:
    """IoT Core with the chat, and its data in the folder where commands look for it."""
    limits = IOT_CORE.without_throttling()
    with IotCoreUnderTest(folder / "authorizer.toml", folder=folder / ".iot-authorizer", limits=limits) as core:
        yield core


def edit(folder: Path, old: str, new: str) -> str:
    """The chat with an edit."""
    text = (folder / CHAT).read_text()
    assert old in text
    (folder / "edited.toml").write_text(text.replace(old, new))
    return "edited.toml"


def lines(run: Run, core: IotCoreUnderTest, *arguments: str) -> list[str]:
    """The lines about clients."""
    printed = run("diff", *arguments, "--live", "--endpoint-url", core.tls_url).stdout.splitlines()
    return printed[next(number for number, line in enumerate(printed) if line.startswith("affected: ")) :]


@pytest.mark.slow
def test_each_connected_client_that_is_affected_is_named(run: Run, folder: Path, core: IotCoreUnderTest) -> None:
    edited = edit(folder, "rooms/+/mute/+", "rooms/{claims.rooms}/mute/+")
    core.client("ann", {"role": "admin", "rooms": ["lobby"]}, client_id="ann/phone")
    core.client("bob", {"rooms": ["lobby"]})
    core.client("eve", {"role": "admin"}, client_id="eve").close()
    assert lines(run, core, CHAT, edited) == [
        "affected: 1 of 2 live clients",
        "  ann/phone (ann): closes publish rooms/any/mute/any",
    ]


def test_a_client_whose_own_client_id_is_not_granted_any_more_is_refused(
    run: Run, folder: Path, core: IotCoreUnderTest
) -> None:
    edited = edit(folder, '"{principal}", "{principal}/*"', '"{principal}/*"')
    core.client("ann", {}, client_id="ann")
    core.client("ann", {}, client_id="ann/phone")
    assert lines(run, core, CHAT, edited) == [
        "affected: 2 of 2 live clients",
        "  ann (ann): now refused (client_id_not_granted)",
        "  ann/phone (ann): closes connect ann",
    ]


def test_the_client_id_in_topics_is_the_clients_own(run: Run, folder: Path, core: IotCoreUnderTest) -> None:
    edited = edit(folder, '"users/{principal}/outbox"', '"users/{principal}/outbox", "of/{client_id}"')
    core.client("ann", {}, client_id="ann")
    assert lines(run, core, CHAT, edited)[1:] == ["  ann (ann): opens publish of/ann"]


def test_json_has_the_live_clients(run: Run, folder: Path, core: IotCoreUnderTest) -> None:
    core.client("ann", {"suspended": "on"}, client_id="ann")
    edited = edit(folder, "suspended = true", 'suspended = "yes"')
    found = json.loads(run("diff", CHAT, edited, "--live", "--json", "--endpoint-url", core.tls_url).stdout)
    assert found["live"] == {
        "total": 1,
        "unknown_claims": 0,
        "found": [
            {
                "client_id": "ann",
                "principal": "ann",
                "opens": [{"action": "publish", "resource": "users/ann/outbox"}],
                "closes": [],
                "refused_before": None,
                "refused_after": None,
            }
        ],
    }


def test_a_client_with_a_signed_url_is_counted_and_not_asked_about(run: Run, core: IotCoreUnderTest) -> None:
    owner = core.iot_core.access_keys.owner
    signer = Signer(owner, region=EXAMPLE_PLACE.region, expires=60, host=f"127.0.0.1:{core.port}", at=time.time())
    client = paho.Client(CallbackAPIVersion.VERSION2, "console", transport="websockets")
    client.ws_set_options(f"/mqtt?{signer.url()}")
    client.connect("127.0.0.1", core.port)
    client.loop_start()
    try:
        while not client.is_connected():
            time.sleep(0.01)
        assert lines(run, core, CHAT, CHAT) == ["affected: 0 of 1 live client (1 with unknown claims)"]
    finally:
        client.disconnect()
        client.loop_stop()


def test_without_a_running_dev_it_says_what_to_do(run: Run, core: IotCoreUnderTest) -> None:
    """The data folder is that of a `dev` which ran before."""
    assert core.console_url
    assert refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", "https://127.0.0.1:1") == (
        "--live: nothing listens at https://127.0.0.1:1: start `iot-authorizer dev`, or name its TLS port with "
        "--endpoint-url"
    )


def test_without_a_data_folder_of_dev_it_says_what_to_do(run: Run) -> None:
    assert refused(run, "diff", CHAT, CHAT, "--live", "--data", "other") == (
        "--live: other has no secret of the console, so no `dev` has run with it: start `iot-authorizer dev`, or name "
        "its data folder with --data"
    )


def test_a_dev_with_another_data_folder_is_not_asked(run: Run, folder: Path, core: IotCoreUnderTest) -> None:
    with IotCoreUnderTest(folder / "authorizer.toml", folder=folder / "other"):
        problem = refused(run, "diff", CHAT, CHAT, "--live", "--data", "other", "--endpoint-url", core.tls_url)
    assert problem == NOT_THIS_DEV.format(core.tls_url)


def test_a_server_without_a_certificate_of_the_data_folder_does_not_get_the_secret(
    run: Run, core: IotCoreUnderTest
) -> None:
    assert core.console_url
    with answering(b'{"clients": []}') as endpoint:
        url = endpoint.url.replace("http:", "https:")
        assert refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", url) == NOT_THIS_DEV.format(url)
        assert endpoint.asked == []


def test_a_secret_that_changed_since_dev_started_is_named(run: Run, folder: Path, core: IotCoreUnderTest) -> None:
    (folder / ".iot-authorizer/console-secret").write_text("x" * 43)
    problem = refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", core.tls_url)
    expected = "does not accept the console's secret in .iot-authorizer: restart `iot-authorizer dev`"
    assert problem == f"--live: {core.tls_url} {expected}"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"clients": [{}]}', b'{"clients": {}}', b"[" * 60_000, b"\xff"])
def test_an_answer_that_is_not_a_list_of_clients_is_an_error(
    run: Run, core: IotCoreUnderTest, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(DevEndpoint, "ask", lambda *_: HttpAnswer(200, {}, content))
    problem = refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", core.tls_url)
    assert problem == f"--live: {core.tls_url} answers 200, and is not iot-authorizer dev"


def test_an_answer_that_never_ends_has_a_time_limit(
    run: Run, core: IotCoreUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert core.console_url
    monkeypatch.setattr(live_clients, "_PATIENCE", 0.2)
    with dripping(None) as url:
        tls_url = url.replace("http:", "https:")
        problem = refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", tls_url)
    assert problem == "--live: no complete answer within 0.2s"


def test_the_secret_is_never_sent_without_tls(run: Run, core: IotCoreUnderTest) -> None:
    problem = refused(run, "diff", CHAT, CHAT, "--live", "--endpoint-url", core.url)
    assert problem == "Invalid value for --endpoint-url: expected https://HOST:PORT, the TLS port of dev"
