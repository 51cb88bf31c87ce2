"""`make demo`: the authorizer end to end, on this machine, on what real clients send."""

import base64
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.development import DATA, DevelopmentIssuer
from local.event import ConnectionRequest, HttpContext, MqttContext, TlsContext, build_event
from local.invoking import describe
from local.lambda_function import Invocation, LambdaFunction

POLICY = Path("policies/chat.toml")
CLAIMS = {"rooms": ["lobby", "attic"], "role": "moderator"}

_CONFIGURATION = """\
name           = "chat"
policy         = "{policy}"
token_key_name = "token"

[passwords]
file = "passwords.toml"
"""
_PASSWORDS = """\
[users.bob]
hash   = "{hash}"
claims = {{ rooms = ["lobby"] }}
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """One client that wants in."""

    title: str
    sent: str
    request: ConnectionRequest


def main() -> None:
    """Plays all scenes."""
    console = Console(width=min(shutil.get_terminal_size().columns, 110))
    folder = DATA / "demo"
    password = secrets.token_urlsafe(12)
    config = _prepare(folder, password)
    issuer = DevelopmentIssuer(DATA)
    issuer.trust()
    function = LambdaFunction(config)
    console.print(f"configuration:    {config}, with the password of bob in it as a hash")
    console.print(f"development keys: {issuer.jwks_path}, which authorizers on this machine trust")
    console.print(f"template:         {POLICY}\n")
    shown: list[object] = []
    for scene in _scenes(issuer, DevelopmentIssuer(folder / "forger"), password):
        event = build_event(scene.request, token_key_name="token")  # noqa: S106 (a name, no token)
        invocation = function.invoke(event)
        console.print(_panel(scene, invocation, known=invocation.answer["policyDocuments"] in shown))
        shown.append(invocation.answer["policyDocuments"])
    console.print(Text(_NEXT), soft_wrap=True)


def _prepare(folder: Path, password: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "authorizer.toml"
    config.write_text(_CONFIGURATION.format(policy=os.path.relpath(POLICY, folder)))
    (folder / "passwords.toml").write_text(_PASSWORDS.format(hash=PasswordHasher(2, 19 * 1024, 1).hash(password)))
    return config


def _scenes(issuer: DevelopmentIssuer, forger: DevelopmentIssuer, password: str) -> Iterator[Scene]:
    tls = TlsContext(serverName="example-ats.iot.us-east-1.amazonaws.com")
    token = issuer.token("ann", CLAIMS, 3600)
    query = f"?x-amz-customauthorizer-name=chat&token={token}"
    yield Scene(
        "A browser: MQTT over WebSocket, the token in the URL",
        f"wss://ENDPOINT/mqtt{query.replace(token, _short(token))}, client ID ann/browser",
        ConnectionRequest(
            tlsContext=tls, httpContext=HttpContext(queryString=query), mqttContext=MqttContext(clientId="ann/browser")
        ),
    )
    user_name = "bob?x-amz-customauthorizer-name=chat&SDK=PythonV2&Version=1.31.0"
    encoded = base64.b64encode(password.encode()).decode()
    yield Scene(
        "A device: MQTT user name and password",
        f"CONNECT, client ID bob, user name {user_name}, password ********",
        ConnectionRequest(
            tlsContext=tls, mqttContext=MqttContext(username=user_name, password=encoded, clientId="bob")
        ),
    )
    yield Scene(
        "A web server: HTTPS publish, the token in a header",
        f"POST https://ENDPOINT/topics/rooms%2Flobby%2Fsay%2Fann, Authorization: Bearer {_short(token)}",
        ConnectionRequest(tlsContext=tls, httpContext=HttpContext(headers={"Authorization": f"Bearer {token}"})),
    )
    forged = forger.token("ann", CLAIMS, 3600)
    yield Scene(
        "A stranger: the same claims, signed with another key",
        f"wss://ENDPOINT/mqtt?x-amz-customauthorizer-name=chat&token={_short(forged)}, client ID ann",
        ConnectionRequest(
            tlsContext=tls,
            httpContext=HttpContext(queryString=query.replace(token, forged)),
            mqttContext=MqttContext(clientId="ann"),
        ),
    )


def _short(token: str) -> str:
    return f"{token[:10]}…"


def _panel(scene: Scene, invocation: Invocation, *, known: bool) -> Panel:
    admitted = invocation.answer.get("isAuthenticated") is True
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    grid.add_row("sends", Text(scene.sent))
    grid.add_row("decision", Text(describe(invocation.decision), style="bold green" if admitted else "bold red"))
    if admitted:
        times = ("disconnectAfterInSeconds", "refreshAfterInSeconds")
        grid.add_row("session", Text(", ".join(f"{name} {invocation.answer[name]}" for name in times)))
        grid.add_row("policy", Text("the same as above") if known else _policy(invocation.answer))
    else:
        grid.add_row("answer", "isAuthenticated: false. The client sees a closed connection; the reason is in the log.")
    return Panel(
        grid, title=f"[bold]{scene.title}[/bold]", title_align="left", border_style="green" if admitted else "red"
    )


def _policy(answer: Mapping[str, object]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    documents = answer["policyDocuments"]
    if isinstance(documents, list):
        for statement in (statement for document in documents for statement in document["Statement"]):
            actions = "\n".join(statement["Action"])
            resources = "\n".join(arn.split(":", 5)[5] for arn in statement["Resource"])
            table.add_row(statement["Effect"], actions, Text(resources))
    return table


_NEXT = """\
Try it yourself:

  .venv/bin/iot-authorizer explain policies/chat.toml --principal ann publish users/ann/outbox
  .venv/bin/iot-authorizer token --principal ann --claims '{"rooms": ["lobby"]}'
  .venv/bin/iot-authorizer invoke --token "$(.venv/bin/iot-authorizer token --principal ann)"
  .venv/bin/iot-authorizer lint policies/*.toml
"""

if __name__ == "__main__":
    main()
