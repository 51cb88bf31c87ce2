"""MQTT.js as tutorials on MQTT brokers use it: a URL, a user name and a password, and no authorizer's name."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_identities.passwords import hash_password
from tests.cli.conftest import fill
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs

CA = trustme.CA()
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a user that has a password, and a certificate of the user's own CA."""
    folder = fill(tmp_path_factory.mktemp("project"))
    with (folder / "authorizer.toml").open("a") as file:
        file.write('\n[passwords]\nfile = "passwords.toml"\n')
    claims = 'claims = { rooms = ["lobby"] }'
    (folder / "passwords.toml").write_text(f'[users.ann]\nhash = "{hash_password(PASSWORD)}"\n{claims}\n')
    leaf = CA.create_child_ca().issue_cert("iot.localhost", "localhost")
    for each in leaf.cert_chain_pems:
        each.write_to_path(folder / "own.pem", append=True)
    leaf.private_key_pem.write_to_path(folder / "own-key.pem")
    CA.cert_pem.write_to_path(folder / "root.pem")
    return folder


@pytest.fixture(scope="module")
def core(folder: Path) -> Iterator[LocalIotCore]:
    with LocalIotCore(
        folder / "authorizer.toml",
        default_authorizer=True,
        certificate=folder / "own.pem",
        key=folder / "own-key.pem",
        limits=IOT_CORE.without_throttling(),
    ) as core:
        yield core


@pytest.mark.parametrize(
    "form", ["mqtt://localhost:{}", "ws://localhost:{}/mqtt", "mqtts://localhost:{}", "wss://localhost:{}/mqtt"]
)
def test_it_publishes_receives_and_leaves_a_will(core: LocalIotCore, folder: Path, form: str) -> None:
    secure = form.startswith(("mqtts:", "wss:"))
    options = {"username": "ann", "password": PASSWORD}
    options |= {"caPath": str(folder / "root.pem")} if secure else {}
    script = Path(__file__).parent / "plain_mqtt_js.mjs"
    url = form.format(core.tls_port if secure else core.port)
    command = [needs("mqtt.js"), str(script), url, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.stdout, done.stderr) == ("rooms/lobby/say/ann: hello\nrooms/lobby/say/ann: gone\n", "")
