"""The code of docs/how-to/know-who-is-online.md with real clients, which end by SIGKILL, as does the endpoint."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from iot_authorizer.online_clients import OnlineClients
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer
from tests import ROOT
from tests.cli.conftest import fill
from tests.cli.dev import Dev
from tests.clients.connection import PATIENCE

PAGE = (ROOT / "docs/how-to/know-who-is-online.md").read_text("utf-8")
ONLINE, CORRECTIONS, _ = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(CONFIGURATION,) = re.findall(r"^```toml\n(# authorizer.toml\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CLIENT_ID = "ann/phone"
# IoT Core accepts one connection a second with one client ID: paho tries again after a second.
PROGRAM = """
import sys, paho.mqtt.client as mqtt
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, sys.argv[1])
client.username_pw_set("?x-amz-customauthorizer-name=chat&access_token=" + sys.argv[3])
client.connect("localhost", int(sys.argv[2]))
client.loop_forever()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project of the page."""
    folder = fill(tmp_path)
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    (folder / "online.py").write_text(ONLINE)
    (folder / "corrections.py").write_text(CORRECTIONS)
    return folder


@contextmanager
def connected(project: Path, dev: Dev) -> Iterator[subprocess.Popen[bytes]]:
    """A client in a process of its own."""
    token = DevelopmentIssuer(project / DATA).token("ann", {}, 3600)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, CLIENT_ID, str(dev.port), token]) as process:
        try:
            yield process
        finally:
            process.kill()


def correct_all(project: Path, dev: Dev) -> None:
    """Runs the function that corrects all clients."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL_IOT_DATA_PLANE": f"http://localhost:{dev.port}",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-c", "import corrections; corrections.handler(None, None)"]
    subprocess.run(command, cwd=project, env=environment, check=True, timeout=PATIENCE * 3)


def wait_until(condition: Callable[[], bool], dev: Dev) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, dev.log
        time.sleep(0.05)


def test_the_table_follows_clients_that_are_killed_and_is_corrected_after_the_endpoint_was(project: Path) -> None:
    (project / DATA).mkdir()
    clients = OnlineClients(project / DATA / "online.sqlite")
    with Dev(project) as dev:
        with connected(project, dev) as client:
            wait_until(lambda: clients.is_online(CLIENT_ID), dev)
            client.kill()
            wait_until(lambda: not clients.is_online(CLIENT_ID), dev)
        with connected(project, dev) as client:
            wait_until(lambda: clients.is_online(CLIENT_ID), dev)
            dev.kill()
            client.kill()
    assert clients.is_online(CLIENT_ID)
    with Dev(project) as dev:
        iot = boto3.Session("local", "local", region_name="us-east-1").client(
            "iot-data", endpoint_url=f"http://localhost:{dev.port}"
        )
        correct_all(project, dev)
        assert not clients.is_online(CLIENT_ID)
        with connected(project, dev):
            wait_until(lambda: clients.is_online(CLIENT_ID), dev)
            assert clients.confirm(CLIENT_ID, iot) is True
