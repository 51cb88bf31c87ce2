"""`iot-authorizer dev` with a table of identities, its clients, and `iot-authorizer revoke`."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from tests.cli.dev import Dev
from tests.cli.in_process import run_here
from tests.clients.paho_client import PahoConnection
from tests.clients.server import CLAIMS, Server

CONFIGURATION = """\
name           = "chat"
policy         = "policy.toml"
table          = "identities"
token_key_name = "token"

[anonymous]
principal = "anonymous"

[revocation]
cache_for = "0s"
"""
POLICY = """
[session]
refresh_after = "30m"

[[grant]]
name      = "people"
connect   = ["{principal}", "{principal}/*"]
publish   = ["rooms/lobby/say/{principal}"]
subscribe = ["rooms/lobby/#"]

[[grant]]
name    = "displays"
when    = { role = "display" }
connect = ["displays/{claims.display}"]

[[grant]]
name      = "watchers"
when      = { role = "watcher" }
subscribe = ["$aws/events/presence/disconnected/#", "rooms/#"]
"""


NOT_THERE = ("--endpoint-url", "http://127.0.0.1:1")
"""An endpoint where nothing listens: port 1 is a privileged one that nothing uses."""


def configure(folder: Path) -> None:
    """Writes the configuration and its template."""
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    (folder / "policy.toml").write_text(POLICY)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Runs `iot-authorizer dev` on free ports."""
    configure(folder)
    with Dev(folder, "--data", "data", "--no-throttling") as dev:
        yield Server(dev.port, dev.tls_port, folder)


def connect(server: Server, client_id: str, token: str) -> PahoConnection:
    """A client that connects."""
    return PahoConnection(server, client_id, token, version=MQTTProtocolVersion.MQTTv5, transport="tcp")


def verdict(server: Server, principal: str, claims: Mapping[str, object] = CLAIMS) -> str:
    """Whether a principal with a new token is `connected` or `refused`."""
    with connect(server, principal, server.token(principal, claims)) as client:
        return client.next().kind


def revoke(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the command."""
    return run_here(folder, "revoke", *arguments, typed=typed.encode())


def refused(folder: Path, *arguments: str, typed: str = "") -> str:
    """The one line that a refused command prints."""
    done = revoke(folder, *arguments, typed=typed)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    return done.stderr.removeprefix("iot-authorizer: ").rstrip("\n")


def lock_out(server: Server, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Revokes something at a server without looking again."""
    place = ["--data", "data", "--endpoint-url", server.url, "--no-wait"]
    return revoke(server.folder, *arguments, *place, typed=typed)


def undo(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Undoes a revocation."""
    return revoke(server.folder, "undo", *arguments, "--data", "data")
