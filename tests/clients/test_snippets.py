"""What `iot-authorizer connect` prints, run exactly as printed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from local.connect_command import register
from tests.clients.connection import PATIENCE
from tests.clients.needs import ROOT, needs
from tests.clients.presence import Watcher
from tests.clients.server import PASSWORD, USER, Server

ODD = 'it\'s "é" `x` & %41 <b>'
"""A principal and a room may be called so."""
GREETINGS = {
    "mqtt.js": "Hello from MQTT.js",
    "paho": "Hello from Paho",
    "awsiotsdk": "Hello from AWS's SDK",
    "mosquitto": "Hello from mosquitto_pub",
}
WAYS = pytest.mark.parametrize(
    ("client", "transport", "scheme"),
    [
        ("mqtt.js", "ws", "http"),
        ("mqtt.js", "ws", "https"),
        ("paho", "ws", "http"),
        ("paho", "ws", "https"),
        ("paho", "mqtt", "http"),
        ("paho", "mqtt", "https"),
        ("awsiotsdk", "mqtt", "https"),
        ("awsiotsdk", "ws", "https"),
        ("mosquitto", "mqtt", "http"),
        ("mosquitto", "mqtt", "https"),
    ],
)
CLIENTS = pytest.mark.parametrize("client", [*GREETINGS, "curl"])
COMMANDS: dict[str, tuple[str, Callable[[], str]]] = {
    "mqtt.js": ("client.mjs", lambda: needs("mqtt.js")),
    "paho": ("client.py", lambda: sys.executable),
    "awsiotsdk": ("client.py", lambda: sys.executable),
    "mosquitto": ("client.sh", lambda: needs("mosquitto_sub") and "sh"),
    "curl": ("client.sh", lambda: needs("curl") and "sh"),
}
"""For each client, the file that its program is saved as, and what runs it."""


def printed(server: Server, client: str, *arguments: str, url: str | None = None) -> str:
    """What the command prints for the TLS port, or for another."""
    app = typer.Typer()
    register(app)
    files = ["--config", str(server.config), "--data", str(server.data)]
    where = ["--endpoint", url or server.tls_url]
    done = CliRunner().invoke(app, ["--for", client, *where, *files, *arguments], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def run(folder: Path, client: str, program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program as its first line says."""
    name, find = COMMANDS[client]
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / name).write_text(program, "utf-8")
    command = [find(), name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)


@WAYS
def test_a_program_hears_what_it_says(server: Server, tmp_path: Path, client: str, transport: str, scheme: str) -> None:
    who = f"{client}-{transport}-{scheme}"
    url = server.tls_url if scheme == "https" else server.url
    done = run(tmp_path, client, printed(server, client, "--transport", transport, "--principal", who, url=url))
    assert (done.returncode, done.stderr) == (0, "")
    assert (f"rooms/lobby/say/{who}" in done.stdout, GREETINGS[client] in done.stdout) == (True, True)


@pytest.mark.parametrize("client", GREETINGS)
def test_odd_names_arrive_as_they_are(server: Server, tmp_path: Path, client: str) -> None:
    token = server.token(ODD, {"rooms": [ODD]})
    topic = f"rooms/{ODD}/say/{ODD}"
    own = f"{ODD}/{client}"
    done = run(tmp_path, client, printed(server, client, "--token", token, "--topic", topic, "--client-id", own))
    assert (done.returncode, done.stderr) == (0, "")
    assert topic in done.stdout


@pytest.mark.parametrize("client", GREETINGS)
def test_a_user_name_and_a_password_let_in(server: Server, tmp_path: Path, client: str) -> None:
    user = ["--user", USER, "--password", PASSWORD, "--client-id", f"{USER}/{client}"]
    done = run(tmp_path, client, printed(server, client, *user))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"rooms/lobby/say/{USER}" in done.stdout


@CLIENTS
def test_a_program_says_that_it_was_refused(server: Server, tmp_path: Path, client: str) -> None:
    who = ["--token", server.forged_token("ann"), "--client-id", f"ann/{client}/refused"]
    done = run(tmp_path, client, printed(server, client, *who))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert any(words in done.stderr.lower() for words in ("not authori", "not_authori", "401"))


@CLIENTS
def test_a_program_says_that_its_topic_is_forbidden(server: Server, tmp_path: Path, client: str) -> None:
    who = ["--token", server.token("ann"), "--client-id", f"ann/{client}/forbidden"]
    done = run(tmp_path, client, printed(server, client, *who, "--topic", "rooms/attic/say/ann"))
    assert done.returncode != 0 or client == "mosquitto"  # Which exits with 0 where all its filters are denied.
    assert "Traceback" not in done.stderr
    assert any(words in done.stderr.lower() for words in ("not authori", "not_authori", "403", "denied"))


def test_the_program_for_curl_publishes(server: Server, tmp_path: Path, watcher: Watcher) -> None:
    who = f"{ODD} with curl"
    topic, token = f"rooms/{ODD}/say/{who}", server.token(who, {"rooms": [ODD]})
    done = run(tmp_path, "curl", printed(server, "curl", "--token", token, "--topic", topic))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["message"] == "OK"
    assert watcher.said(topic) == "Hello from curl"
