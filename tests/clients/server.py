"""Runs `iot-authorizer dev` in a process, with a configuration for these tests."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cli.console.secret_file import console_secret
from iot_authorizer_cli.project.development_issuer import DevelopmentIssuer
from iot_identities.passwords import hash_password
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import mint

TIME_SCALE = 200
"""The connection of a token of five minutes ends after a second and a half."""
EXPIRING = 300
"""Seconds in the life of a token that ends during a test."""
_KEY = signing_key("ES256")
ROOM = "lobby"
CLAIMS = {"rooms": [ROOM]}
USER, PASSWORD = "bob", 'correct "horse" & it\'s $HOME%41'

_CONFIGURATION = """\
name           = "chat"
policy         = "policy.toml"
token_key_name = "token"

[passwords]
file = "passwords.toml"

[[jwt]]
issuer     = "https://auth.example.com/"
audience   = ["chat"]
algorithms = ["ES256"]
jwks       = "jwks.json"
"""
RULE = "heard"
"""The topic rule that clients may reach by basic ingest. A test creates it."""
_GRANTS = f"""
[[grant]]
name    = "ingest"
publish = ["$aws/rules/{RULE}/rooms/{{claims.rooms}}/say/{{principal}}"]

[[grant]]
name      = "watchers"
when      = {{ role = "watcher" }}
subscribe = ["$aws/events/presence/disconnected/#", "rooms/#"]
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The addresses and files of the server."""

    port: int
    tls_port: int
    folder: Path
    host: str = "127.0.0.1"

    @property
    def ca(self) -> Path:
        """The local CA's certificate."""
        return self.data / "ca.pem"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "authorizer.toml"

    @property
    def url(self) -> str:
        """The plain port's URL."""
        return f"http://{self.host}:{self.port}"

    @property
    def console_url(self) -> str:
        """The console's URL."""
        return f"{self.url}/?secret={console_secret(self.data)}"

    @property
    def tls_url(self) -> str:
        """The TLS port's URL."""
        return f"https://{self.host}:{self.tls_port}"

    def token(self, principal: str, claims: Mapping[str, object] = CLAIMS, expires_in: int = 36_000) -> str:
        """Make a token that the server accepts; `expires_in` is in seconds."""
        return DevelopmentIssuer(self.data).token(principal, claims, expires_in)

    def ending_token(self, principal: str) -> str:
        """Make a token whose connection ends soon. Clients may start slowly: it is valid for longer.

        It is of an issuer of its own, since the time scale shortens the life of development tokens.
        """
        return mint(_KEY, sub=principal, exp=int(time.time()) + EXPIRING, **CLAIMS)

    def forged_token(self, principal: str) -> str:
        """Make a token that is signed with another key."""
        return DevelopmentIssuer(self.folder / "forger").token(principal, CLAIMS, 36_000)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start the server on free ports, and stop it after the block."""
    _configure(folder)
    command = [str(Path(sys.executable).parent / "iot-authorizer"), "dev", "--port", "0", "--tls-port", "0"]
    options = ["--config", "authorizer.toml", "--data", "data", "--time-scale", str(TIME_SCALE)]
    log = folder / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen([*command, *options], cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield Server(*_ports(process, log), folder)
        finally:
            process.terminate()


def _ports(process: subprocess.Popen[str], log: Path) -> tuple[int, int]:
    """The plain port and the TLS port, from the greeting."""
    greeting = ""
    for line in process.stdout or ():
        greeting += line
        if match := re.search(r"http://localhost:(\d+).*wss://localhost:(\d+)", greeting, re.DOTALL):
            return int(match[1]), int(match[2])
    raise AssertionError(log.read_text())


def _configure(folder: Path) -> None:
    chat = Path(__file__).parent.parent.parent / "policies" / "chat.toml"
    (folder / "policy.toml").write_text(chat.read_text() + _GRANTS)
    (folder / "authorizer.toml").write_text(_CONFIGURATION)
    (folder / "jwks.json").write_text(json.dumps(public_keys(_KEY)))
    rooms = json.dumps(CLAIMS["rooms"])
    (folder / "passwords.toml").write_text(
        f'[users.{USER}]\nhash = "{hash_password(PASSWORD)}"\nclaims = {{ rooms = {rooms} }}\n'
    )
