"""Execution environments whose function does what its event says."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import cast

from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import Invocation
from iot_core.functions.loaded_function import ThreadFunction
from tests.local.harness.channels import PATIENCE

OK = Invocation({"ok": True}, {})


def scripted(event: Mapping[str, object]) -> Invocation:
    """Does what the event says."""
    return cast("Callable[[], Invocation]", event["do"])()


class Loads:
    """Counts how often a function is loaded."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> ThreadFunction:
        self.count += 1
        self.last = ThreadFunction(scripted)
        return self.last


def run(environments: ExecutionEnvironments, do: Callable[[], Invocation]) -> "asyncio.Task[Invocation]":
    return asyncio.get_running_loop().create_task(environments.invoke({"do": do}))


def at_work() -> int:
    return sum(thread.name == "lambda" for thread in threading.enumerate())


def hang(release: Future[None]) -> Callable[[], Invocation]:
    def do() -> Invocation:
        release.result()
        return OK

    return do


def noted(ran: threading.Event) -> Callable[[], Invocation]:
    """Notes that it ran."""

    def do() -> Invocation:
        ran.set()
        return OK

    return do


async def settled(wanted: int) -> None:
    """Waits until so many threads are left."""
    async with asyncio.timeout(PATIENCE):
        while at_work() != wanted:
            await asyncio.sleep(0.005)
