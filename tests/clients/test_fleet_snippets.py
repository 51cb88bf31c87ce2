"""What `iot-authorizer connect` prints for devices that cannot receive their own messages, run as printed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_identities.passwords import hash_password
from tests import ROOT
from tests.clients.test_snippets import GREETINGS, run

PASSWORD = "correct horse"
UNLIMITED = IOT_CORE.without_throttling()
PUBLISHED = "published; the policy lets no published message come back to this client\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    """IoT Core with the fleet's template, passwords and no token key name."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "fleet.toml").write_text((ROOT / "policies" / "fleet.toml").read_text())
    (folder / "own.toml").write_text('name = "fleet"\npolicy = "fleet.toml"\n[passwords]\nfile = "passwords.toml"\n')
    user = f'hash = "{hash_password(PASSWORD)}"\nclaims = {{ role = "device" }}\n'
    (folder / "passwords.toml").write_text("".join(f'[users."{client}"]\n{user}' for client in GREETINGS))
    with LocalIotCore(folder / "own.toml", folder=folder / "data", limits=UNLIMITED) as core:
        yield core


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIotCore]:
    """IoT Core with this repository's own configuration."""
    with LocalIotCore(ROOT / "authorizer.toml", folder=tmp_path_factory.mktemp("chat")) as core:
        yield core


def printed(core: LocalIotCore, client: str, *arguments: str) -> str:
    """What the command prints for the TLS port."""
    assert core.ca_path is not None
    files = ["--config", str(core.configuration.path), "--data", str(core.ca_path.parent)]
    options = ["connect", "--for", client, "--endpoint", f"https://127.0.0.1:{core.tls_port}", *files, *arguments]
    done = CliRunner().invoke(app, options, catch_exceptions=False)
    assert (done.exit_code, " denies " in done.stderr) == (0, False), done.stderr
    return done.stdout


@pytest.mark.parametrize("client", GREETINGS)
def test_a_device_that_cannot_receive_its_own_message_exits_with_0_after_publishing(
    fleet: LocalIotCore, tmp_path: Path, client: str
) -> None:
    done = run(tmp_path, client, printed(fleet, client, "--user", client, "--password", PASSWORD))
    assert (done.returncode, done.stdout, done.stderr) == (0, PUBLISHED, "")


@pytest.mark.parametrize("client", GREETINGS)
def test_a_principal_without_rooms_exits_with_0_after_publishing(
    chat: LocalIotCore, tmp_path: Path, client: str
) -> None:
    done = run(tmp_path, client, printed(chat, client, "--principal", f"ann {client}", "--claims", "{}"))
    assert (done.returncode, done.stdout, done.stderr) == (0, PUBLISHED, "")


@pytest.mark.parametrize("client", ["mqtt.js", "paho", "awsiotsdk"])
def test_a_device_reports_at_once_that_its_message_is_forbidden(
    fleet: LocalIotCore, tmp_path: Path, client: str
) -> None:
    told = ["--user", client, "--password", PASSWORD, "--client-id", client]
    program = printed(fleet, client, *told).replace("/telemetry/", "/secrets/")
    done = run(tmp_path, client, program)
    assert (done.returncode, done.stdout, "acknowledged within" in done.stderr) == (1, "", False), done.stderr


def test_without_a_token_key_name_https_sends_the_token_as_a_bearer_token(fleet: LocalIotCore, tmp_path: Path) -> None:
    done = run(tmp_path, "curl", printed(fleet, "curl"))
    assert (done.returncode, json.loads(done.stdout)["message"]) == (0, "OK")


@pytest.mark.parametrize("client", GREETINGS)
def test_without_a_token_key_name_mqtt_sends_the_token_as_access_token(
    fleet: LocalIotCore, tmp_path: Path, client: str
) -> None:
    done = run(tmp_path, client, printed(fleet, client, "--principal", f"operator {client}"))
    assert (done.returncode, done.stderr, GREETINGS[client] in done.stdout) == (0, "", True)
