"""`iot-authorizer dev`: IoT Core on this machine."""

import asyncio
import contextlib
import resource
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from local.broker.limits import IOT_CORE
from local.core import LocalIotCore
from local.development import DATA
from local.greeting import greeting
from local.lambda_function import ACCOUNT, HANDLER, REGION
from policies import InvalidFile
from policies.errors import printable

_OPEN_FILES = 65_536


def register(app: typer.Typer) -> None:
    """Adds the command to a command line."""
    app.command(
        "dev",
        short_help="Run IoT Core on this machine.",
        epilog="\b\nExample: iot-authorizer dev --config authorizer.toml --port 8080 --tls-port 8443",
    )(dev)


def dev(
    config: Annotated[Path, typer.Option(metavar="FILE", help="The configuration.")] = Path("authorizer.toml"),
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Plain; 0 is any free one.")] = 8080,
    tls_port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="TLS; 0 is any free one.")] = 8443,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where keys, the CA and messages are kept.")] = DATA,
    time_scale: Annotated[
        float, typer.Option(metavar="N", min=1, max=3600, help="With 60, an authorizer's hour passes in a minute.")
    ] = 1,
    throttling: Annotated[
        bool, typer.Option("--throttling/--no-throttling", help="IoT Core's limits a second: publishes, connects.")
    ] = True,
    handler: Annotated[str, typer.Option(metavar="NAME", help="The Lambda handler to run.")] = HANDLER,
    region: Annotated[str, typer.Option(metavar="REGION", help="The AWS region that it stands for.")] = REGION,
    account: Annotated[str, typer.Option(metavar="ACCOUNT", help="The AWS account that it stands for.")] = ACCOUNT,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no decisions.")] = False,
) -> None:
    """Run IoT Core on this machine: MQTT, WebSocket and AWS's HTTP APIs on two ports, and a page to try it at /.

    Clients are let in by the authorizer's Lambda handler, and their policies are enforced on every message. Saving the
    configuration or the template takes effect at once. End it with Ctrl-C.
    """
    if handler == HANDLER and not config.exists():
        raise InvalidFile(config, None, "", "there is no such file: name yours with --config")
    core = LocalIotCore(
        config,
        handler=handler,
        host=host,
        port=port,
        tls_port=tls_port,
        folder=data,
        time_scale=time_scale,
        limits=IOT_CORE if throttling else IOT_CORE.without_throttling(),
        region=region,
        account=account,
    )
    _allow_open_files()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(core, data, quiet=quiet))


async def _serve(core: LocalIotCore, folder: Path, *, quiet: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with core:
        typer.echo(greeting(core, folder))
        following = loop.create_task(_print_feed(core, quiet=quiet))
        await stopped.wait()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _print_feed(core: LocalIotCore, *, quiet: bool) -> None:
    async for record in core.feed.follow(explained=False):
        line = _reload_line(record) if record["kind"] == "reload" else None if quiet else _line(record)
        if line is not None:
            typer.echo(line, err=True)


def _reload_line(record: Mapping[str, object]) -> str:
    if problem := record.get("problem"):
        return typer.style(printable(f"kept what was: {problem}"), fg="red")
    return typer.style(printable(f"read {record['path']} again"), fg="green")


def _line(record: Mapping[str, object]) -> str | None:
    """A record for people, in one line; None for what would only repeat another."""
    if record["kind"] == "decision":
        if record["allowed"] and record["action"] not in ("connect", "refresh"):
            return None
        word, colour = ("allowed", "green") if record["allowed"] else ("refused", "red")
        head = f"{word}: {record['action']} {record.get('resource', '')}"
        names: tuple[str, ...] = ("reason", "detail", "client_id", "principal", "door")
    elif record.get("event") == "connected":
        return None
    else:
        colour = "bright_black"
        head = f"{record.get('event', record['kind'])}: {record.get('client_id', record.get('source', ''))}"
        names = ("disconnect_reason", "topics", "reason", "detail", "count", "problem")
    rest = "".join(f" {name}={record[name]}" for name in names if name in record)
    return typer.style(printable(head), fg=colour) + printable(rest)


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop  # noqa: PLC0415 (not there on Windows)
    except ImportError:
        return None
    return uvloop.Loop


def _allow_open_files() -> None:
    """Raises the limit of open files, of which each connection is one, as far as the system lets us."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _OPEN_FILES)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
