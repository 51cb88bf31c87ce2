"""What goes on by itself while IoT Core runs: the clock is looked at, and the files of the configuration."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from iot_authorizer_cli.project.reloading import ReloadedConfiguration

_TURN = 0.25
"""Seconds between looks at the clock."""

_logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def upkeep(
    check_time: Callable[[], None], configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Does it until the end of the block. A mistake in one turn costs no turn after it."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    tasks = [
        loop.create_task(_watch_time(check_time, stopped)),
        loop.create_task(_watch_files(configuration, reload, stopped)),
    ]
    try:
        yield
    finally:
        stopped.set()
        await asyncio.gather(*tasks)


async def _watch_time(check_time: Callable[[], None], stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        await _wait(stopped)
        try:
            check_time()
        except Exception:
            _logger.exception("what is due could not be done")


async def _watch_files(
    configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]], stopped: asyncio.Event
) -> None:
    while not stopped.is_set():
        try:
            async for _ in configuration.changes(stopped):
                await reload()
        except Exception:
            _logger.exception("the configuration could not be read again")
            await _wait(stopped)


async def _wait(stopped: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TURN):
            await stopped.wait()
