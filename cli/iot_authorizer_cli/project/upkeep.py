"""Reloads the configuration whenever one of its files is saved."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from iot_authorizer_cli.project.reloading import ReloadedConfiguration

_PAUSE = 0.25
"""Seconds to wait after a reload failed unexpectedly."""

_logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def reloading(configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Watches the files until the end of the block, and calls `reload` after each change."""
    stopped = asyncio.Event()
    task = asyncio.get_running_loop().create_task(_watch(configuration, reload, stopped))
    try:
        yield
    finally:
        stopped.set()
        await task


async def _watch(
    configuration: ReloadedConfiguration, reload: Callable[[], Awaitable[None]], stopped: asyncio.Event
) -> None:
    while not stopped.is_set():
        try:
            async for _ in configuration.changes(stopped):
                await reload()
        except Exception:  # A mistake in one reload must not end the watch.
            _logger.exception("the configuration could not be reloaded")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await stopped.wait()
