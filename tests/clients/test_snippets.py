"""The programs that `iot-authorizer connect` prints, run exactly as printed."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from iot_authorizer_cli.app import app
from tests import ROOT
from tests.clients.boto3_clients import control_plane
from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.presence import Watcher
from tests.clients.server import PASSWORD, USER, Server

ODD = 'it\'s "é" `x` & %41 <b>'
"""An unusual but valid name of a principal and a room."""
GREETINGS = {
    "mqtt.js": "Hello from MQTT.js",
    "paho": "Hello from Paho",
    "awsiotsdk": "Hello from AWS's SDK",
    "mosquitto": "Hello from mosquitto_pub",
}
REFUSED = {
    "mqtt.js": "Connection refused: Not authorized\n",
    "paho": "connect: Not authorized\n",
    "awsiotsdk": "connect: NOT_AUTHORIZED\n",
    "mosquitto": "Connection error: Not authorized\n",
    "curl": "The requested URL returned error: 401\n",
}
FORBIDDEN = {
    "mqtt.js": "subscribe: Subscribe error: Not authorized\n",
    "paho": "subscribe: Not authorized\n",
    "awsiotsdk": "subscribe: NOT_AUTHORIZED\n",
    "mosquitto": "All subscription requests were denied.\n",
    "curl": "The requested URL returned error: 403\n",
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
"""For each client, the file of its program and a function that finds the command to run it."""


def printed(server: Server, client: str, *arguments: str, url: str | None = None, denied: bool = False) -> str:
    """The program for a URL, by default the TLS port's. `denied` tells whether the command must warn of a denial."""
    files = ["--config", str(server.config), "--data", str(server.data)]
    where = ["--endpoint", url or server.tls_url]
    done = CliRunner().invoke(app, ["connect", "--for", client, *where, *files, *arguments], catch_exceptions=False)
    assert (done.exit_code, " denies " in done.stderr, bool(done.stderr)) == (0, denied, denied)
    return done.stdout


@pytest.fixture(scope="module")
def signing_key(server: Server) -> RSAPrivateKey:
    """The signing key of the authorizer `signed`."""
    key = generate_private_key(65537, 2048)
    client = control_plane(server, "http")
    function_arn = client.describe_authorizer(authorizerName="chat")["authorizerDescription"]["authorizerFunctionArn"]
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client.create_authorizer(
        authorizerName="signed",
        authorizerFunctionArn=function_arn,
        tokenKeyName="token",
        tokenSigningPublicKeys={"first": public},
        status="ACTIVE",
    )
    return key


def run(folder: Path, client: str, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program as its first line says."""
    name, find = COMMANDS[client]
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / name).write_text(program, "utf-8")
    command = [find(), name]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)


@WAYS
def test_a_program_receives_what_it_publishes(
    server: Server, tmp_path: Path, client: str, transport: str, scheme: str
) -> None:
    who = f"{client}-{transport}-{scheme}"
    url = server.tls_url if scheme == "https" else server.url
    done = run(tmp_path, client, printed(server, client, "--transport", transport, "--principal", who, url=url))
    assert (done.returncode, done.stderr) == (0, "")
    assert (f"rooms/lobby/say/{who}" in done.stdout, GREETINGS[client] in done.stdout) == (True, True)


@pytest.mark.parametrize("client", GREETINGS)
def test_unusual_names_arrive_unchanged(server: Server, tmp_path: Path, client: str) -> None:
    token = server.token(ODD, {"rooms": [ODD]})
    topic = f"rooms/{ODD}/say/{ODD}"
    own = f"{ODD}/{client}"
    done = run(tmp_path, client, printed(server, client, "--token", token, "--topic", topic, "--client-id", own))
    assert (done.returncode, done.stderr) == (0, "")
    assert topic in done.stdout


@pytest.mark.parametrize("client", GREETINGS)
def test_a_user_name_and_a_password_connect(server: Server, tmp_path: Path, client: str) -> None:
    user = ["--user", USER, "--password", PASSWORD, "--client-id", f"{USER}/{client}"]
    done = run(tmp_path, client, printed(server, client, *user))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"rooms/lobby/say/{USER}" in done.stdout


@CLIENTS
def test_a_token_is_sent_with_its_signature(
    server: Server, signing_key: RSAPrivateKey, tmp_path: Path, client: str
) -> None:
    token = server.token(f"{client} signed")
    signature = base64.b64encode(signing_key.sign(token.encode(), PKCS1v15(), SHA256())).decode()
    signed = ["--authorizer", "signed", "--token", token, "--signature", signature]
    done = run(tmp_path, client, printed(server, client, *signed))
    assert (done.returncode, done.stderr) == (0, "")


@CLIENTS
def test_a_program_reports_that_it_was_refused(server: Server, tmp_path: Path, client: str) -> None:
    who = ["--token", server.forged_token("ann"), "--client-id", f"ann/{client}/refused"]
    done = run(tmp_path, client, printed(server, client, *who))
    assert done.returncode != 0
    assert done.stderr.endswith(REFUSED[client])


@CLIENTS
def test_a_program_reports_that_its_topic_is_forbidden(server: Server, tmp_path: Path, client: str) -> None:
    who = ["--token", server.token("ann"), "--client-id", f"ann/{client}/forbidden"]
    topic = "rooms/attic/say/ann"
    program = printed(server, client, *who, "--topic", topic, "--subscribe", topic, denied=True)
    done = run(tmp_path, client, program)
    assert done.returncode != 0 or client == "mosquitto"  # It exits with 0 if all its filters are denied.
    assert done.stderr.endswith(FORBIDDEN[client])


@CLIENTS
def test_a_program_reports_that_the_port_is_closed(server: Server, tmp_path: Path, client: str) -> None:
    with socket.socket() as taken:
        taken.bind((server.host, 0))
        url = f"https://{server.host}:{taken.getsockname()[1]}"
        done = run(tmp_path, client, printed(server, client, url=url))
    assert (done.returncode != 0, done.stderr != "", "Traceback" in done.stderr) == (True, True, False)


def test_the_program_for_curl_publishes(server: Server, tmp_path: Path, watcher: Watcher) -> None:
    who = f"{ODD} with curl"
    topic, token = f"rooms/{ODD}/say/{who}", server.token(who, {"rooms": [ODD]})
    done = run(tmp_path, "curl", printed(server, "curl", "--token", token, "--topic", topic))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["message"] == "OK"
    assert watcher.said(topic) == "Hello from curl"
