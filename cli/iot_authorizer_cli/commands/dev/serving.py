"""Runs IoT Core on this machine in the foreground, and prints what happens."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from iot_authorizer_cli.commands.dev.greeting import greeting
from iot_authorizer_cli.commands.dev.terminal import Terminal
from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_authorizer_cli.snippets import ClientEndpoint
from iot_core.reasons import IotCoreReason
from iot_policies.errors import printable

_OPEN_FILES = 65_536
_EXPLAINED_A_SECOND = 20
_OF_A_DECISION = ("reason", "detail", "client_id", "principal", "source")
"""The fields of a decision that are printed, in this order."""
_OPEN = (
    "iot-authorizer: on {host}, anyone who can reach this machine can create tokens for any principal, change "
    "authorizers, publish as the account's owner and follow every decision: use this only on a network you trust"
)
"""Printed for an address that other machines can reach: the host check refuses only web pages of other origins."""


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
            terminal.print(_coloured(_OPEN.format(host=core.host), "red"))
        following = loop.create_task(_print_feed(core, terminal, quiet=quiet))
        await stopped.wait()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _print_feed(core: LocalIotCore, terminal: Terminal, *, quiet: bool) -> None:
    async for record in core.feed.follow(_Explained()):
        line = _reload_line(record) if record["kind"] == "reload" else None if quiet else _line(record)
        if line is not None:
            terminal.print(line)


def _reload_line(record: Mapping[str, object]) -> str:
    if problem := record.get("problem"):
        return _coloured(f"reload failed, keeping the previous configuration: {problem}", "red")
    return _coloured(f"reloaded {record['path']} and the files that it names", "green")


class _Explained:
    """Chooses the records that are printed with an explanation: denials by policy, at most a few a second."""

    def __init__(self) -> None:
        self._second, self._count = 0, 0

    def __call__(self, record: Mapping[str, object]) -> bool:
        if record.get("reason") != IotCoreReason.NOT_ALLOWED_BY_POLICY:
            return False
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return self._count <= _EXPLAINED_A_SECOND


def _line(record: Mapping[str, object]) -> str | None:
    """Formats a record as one line; None for a record that would repeat another."""
    if record["kind"] == "decision":
        return _decision(record)
    if record.get("event") == "connected":
        return None
    about = record.get("client_id", record.get("address", ""))
    head = f"{record.get('event', record['kind'])}: {about}" if about else str(record.get("event", record["kind"]))
    names = ("disconnect_reason", "topics", "reason", "detail", "count", "problem")
    return _coloured(head, "bright_black") + _rest(record, names)


def _decision(record: Mapping[str, object]) -> str | None:
    if record["allowed"] and record["action"] not in ("connect", "refresh", "http_publish"):
        return None
    by_policy = record.get("reason") == IotCoreReason.NOT_ALLOWED_BY_POLICY
    word, colour = ("allowed", "green") if record["allowed"] else ("denied" if by_policy else "refused", "red")
    resource = record.get("resource", "")
    names = [name for name in _OF_A_DECISION if name != "client_id" or record.get(name) != resource]
    because = record.get("explanation")
    reason = f": {because[0]}" if isinstance(because, list) and because and not record["allowed"] else ""
    return _coloured(f"{word}: {record['action']} {resource}", colour) + _rest(record, names) + printable(reason)


def _rest(record: Mapping[str, object], names: Sequence[str]) -> str:
    return printable("".join(f" {name}={_listed(record[name])}" for name in names if name in record))


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _coloured(text: str, colour: str) -> str:
    """Colours a text, unless NO_COLOR is set (no-color.org) or standard error is not a terminal."""
    plain = os.environ.get("NO_COLOR") or not sys.stderr.isatty()
    return printable(text) if plain else typer.style(printable(text), fg=colour)


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
