"""Runs IoT Core on this machine in the foreground: greets the user, and prints what happens."""

import asyncio
import contextlib
import gc
import resource
import signal
from pathlib import Path

import typer

from iot_authorizer_cdk.package.configuration import deployment_problems
from iot_authorizer_cli.commands.dev.greeting import greeting
from iot_authorizer_cli.commands.dev.printing import Explained, Terminal, coloured, line_of, reload_line
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.snippets.settings import ClientEndpoint
from iot_authorizer_cli.terminal import count
from iot_policies.errors import printable

_OPEN_FILES = 65_536
_COLLECTED_AFTER = 20_000
"""New objects after which Python looks for garbage. By default (700 in Python 3.11), that takes 5 % of each connect."""
_OPEN = (
    "iot-authorizer: on {host}, anyone who can reach this machine can change authorizers, publish and read messages as "
    "the account's owner and end connections: use this only on a network you trust"
)
"""Printed for an address that other machines can reach: AWS's APIs have no IAM here. The console needs its secret."""


def serve(core: LocalIotCore, folder: Path, *, quiet: bool) -> None:
    """Runs IoT Core until Ctrl-C, SIGTERM or the end of the terminal; `folder` is the data folder.

    Raises what `LocalIotCore.start` raises.
    """
    _allow_open_files()
    gc.set_threshold(_COLLECTED_AFTER)
    with Terminal() as terminal, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(core, folder, terminal, quiet=quiet))


async def _serve(core: LocalIotCore, folder: Path, terminal: Terminal, *, quiet: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with core:  # Until it has started, asyncio handles Ctrl-C.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN:  # `nohup` ignores it.
                loop.add_signal_handler(name, stopped.set)
        typer.echo(greeting(core, folder))
        if not ClientEndpoint(core.host, core.port, tls=False).local:
            terminal.print(coloured(_OPEN.format(host=core.host), "red"))
        for warning in () if core.server.own_certificate is None else core.server.own_certificate.warnings:
            terminal.print(coloured(warning, "yellow"))
        following = loop.create_task(_print_feed(core, terminal, quiet=quiet))
        await _print_problems(core, terminal)
        await stopped.wait()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        if lost := core.iot_core.rules_engine.unfinished:
            told = f"lost {count(lost, 'event')} of rules that had not ended, which Lambda would keep"
            terminal.print(coloured(told, "yellow"))


async def _print_feed(core: LocalIotCore, terminal: Terminal, *, quiet: bool) -> None:
    comparing: asyncio.Task[None] | None = None
    granted = _granted(core)
    async for record in core.feed.follow(Explained()):
        line = reload_line(record) if record["kind"] == "reload" else None if quiet else line_of(record)
        if line is not None:
            terminal.print(line)
        if record["kind"] == "reload" and record["ok"]:
            await _print_problems(core, terminal)
            if _granted(core) != granted:
                granted = _granted(core)
                if comparing is not None:
                    comparing.cancel()  # What the earlier saves change, the next comparison includes.
                comparing = asyncio.create_task(_print_changes(core, terminal))


def _granted(core: LocalIotCore) -> tuple[object, ...] | None:
    """What the template in force says; None if grants come from code. Each reload loads the template again."""
    template = core.configuration.template
    return None if template is None else (template.blocks, template.topic_prefix)


async def _print_changes(core: LocalIotCore, terminal: Terminal) -> None:
    """Says what the edits of the template open and close. That may take seconds, and the feed goes on meanwhile."""
    found = await core.review.changes(core.configuration.template)
    for line in () if found is None else found.lines():
        terminal.print(printable(line))


async def _print_problems(core: LocalIotCore, terminal: Terminal) -> None:
    """Says what works here and cannot be deployed. A handler that only an option names is not deployed at all."""
    configuration = core.configuration
    if configuration.given_handler is None:
        for problem in await asyncio.to_thread(deployment_problems, configuration.path):
            terminal.print(coloured(f"`iot-authorizer build` will refuse this: {problem}", "yellow"))


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
