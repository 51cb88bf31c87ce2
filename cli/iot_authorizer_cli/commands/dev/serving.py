"""Runs IoT Core on this machine in the foreground: greets the user with URLs and commands, and prints what happens."""

import asyncio
import contextlib
import json
import resource
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from iot_authorizer_cdk.package.configuration import deployment_problems
from iot_authorizer_cli.commands.dev.printing import Explained, Terminal, coloured, line_of, reload_line
from iot_authorizer_cli.examples.proposal import example
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.options import CONFIG
from iot_authorizer_cli.project.configuration import HANDLER
from iot_authorizer_cli.project.development_issuer import DATA
from iot_authorizer_cli.project.key_ring import read_key_ring
from iot_authorizer_cli.snippets.settings import ClientEndpoint
from iot_core.authorizers.invocation import SIGNATURE_KEY

_URL = "http://localhost:8080"
"""The endpoint that other commands use by default."""
_OPEN_FILES = 65_536
_OPEN = (
    "iot-authorizer: on {host}, anyone who can reach this machine can change authorizers, publish and read messages as "
    "the account's owner and end connections: use this only on a network you trust"
)
"""Printed for an address that other machines can reach: AWS's APIs have no IAM here. The console needs its secret."""


def serve(core: LocalIotCore, folder: Path, *, quiet: bool) -> None:
    """Runs IoT Core until Ctrl-C; `folder` is the data folder. Raises what `LocalIotCore.start` raises."""
    _allow_open_files()
    with Terminal() as terminal, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(core, folder, terminal, quiet=quiet))


async def _serve(core: LocalIotCore, folder: Path, terminal: Terminal, *, quiet: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with core:  # Until it has started, asyncio handles Ctrl-C.
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stopped.set)
        typer.echo(greeting(core, folder))
        if not ClientEndpoint(core.host, core.port, tls=False).local:
            terminal.print(coloured(_OPEN.format(host=core.host), "red"))
        await _print_problems(core, terminal)
        following = loop.create_task(_print_feed(core, terminal, quiet=quiet))
        await stopped.wait()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _print_feed(core: LocalIotCore, terminal: Terminal, *, quiet: bool) -> None:
    async for record in core.feed.follow(Explained()):
        line = reload_line(record) if record["kind"] == "reload" else None if quiet else line_of(record)
        if line is not None:
            terminal.print(line)
        if record["kind"] == "reload" and record["ok"]:
            await _print_problems(core, terminal)


async def _print_problems(core: LocalIotCore, terminal: Terminal) -> None:
    """Says what works here and cannot be deployed. Only authorizer.toml can be checked, not a handler of your own."""
    configuration = core.configuration
    if configuration.handler == HANDLER:
        for problem in await asyncio.to_thread(deployment_problems, configuration.path):
            terminal.print(coloured(f"`iot-authorizer build` will refuse this: {problem}", "yellow"))


def greeting(core: LocalIotCore, folder: Path) -> str:
    """Builds the text; `folder` is the data folder."""
    plain, tls = core.url.partition("//")[2], core.tls_url.partition("//")[2]
    name = core.configuration.name
    whose = f"of {core.configuration.path}" if core.configuration.path.exists() else f"in {core.configuration.handler}"
    return f"""\
IoT Core on this machine, with the authorizer {name} {whose}

  open      {core.console_url}
  MQTT      mqtt://{plain}   ws://{plain}/mqtt
  on TLS    mqtts://{tls}  wss://{tls}/mqtt  CA: {core.ca_path}

Try it, in another terminal:

{"".join(_commands(core, folder, name))}
Press Ctrl-C to end it.
"""


def _commands(core: LocalIotCore, folder: Path, name: str) -> Iterator[str]:
    program, data = _beside("iot-authorizer"), "" if folder == DATA else f" --data {shlex.quote(str(folder))}"
    path = core.configuration.path
    config = "" if path == CONFIG or not path.exists() else f" --config {shlex.quote(str(path))}"
    where = f"{config}{'' if core.url == _URL else f' --endpoint {core.url}'}{data}"
    template = core.configuration.template
    found = example(template) if template is not None else None
    if found is None:
        yield "  # a program for a client; --help says how to give it your credentials\n"
        yield f"  {program} connect --for paho --authorizer {name}{where}\n"
        return
    if not core.configuration.configured.description.signing_disabled and read_key_ring(path).active() is None:
        yield "  # signing is enabled, and no private key is in keys/private: give your tokens and their signatures\n"
        yield f"  {program} connect --for paho --token TOKEN --signature BASE64{where}\n"
        return
    principal = found.principal
    who = f"--principal {shlex.quote(principal.name)}"
    yield f"  # {principal.name}, over WebSocket: subscribes and publishes\n"
    yield f"  {program} connect --for paho {who}{where} | {_beside('python')} -\n\n"
    yield f"  # {principal.name}, over HTTPS\n"
    yield f"  {program} connect --for curl {who}{where} | sh\n\n"
    yield "  # the Lambda's answer, with AWS's own tool\n"
    claims = shlex.quote(json.dumps(dict(principal.claims)))
    context = shlex.quote(json.dumps({"clientId": found.proposal.client_ids[0]}))
    token = f"$({program} token {who} --claims {claims}{data})"
    aws = (
        f"{_beside('aws')} iot test-invoke-authorizer --endpoint-url {core.url} --region {core.region}"
        f" --no-sign-request --authorizer-name {name} --mqtt-context {context}"
    )
    description = core.configuration.configured.description
    key = description.token_key_name or "access_token"
    if description.signing_disabled:
        yield f'  {aws} --http-context "{{\\"queryString\\": \\"?{key}={token}\\"}}"\n'
        return
    headers = {key: "$TOKEN", SIGNATURE_KEY: f'$({program} sign{config} "$TOKEN")'}
    quoted = ", ".join(f'\\"{name}\\": \\"{value}\\"' for name, value in headers.items())
    yield f'  TOKEN="{token}" && {aws} --http-context "{{\\"headers\\": {{{quoted}}}}}"\n'


def _beside(program: str) -> str:
    """A program of this environment, as a user types it in this folder, whatever PATH is."""
    path = Path(sys.executable).with_name(program)
    if not path.exists():
        return program
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop  # noqa: PLC0415 (not available on Windows)
    except ImportError:
        return None
    return uvloop.Loop


def _allow_open_files() -> None:
    """Raises the limit of open files as far as the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
