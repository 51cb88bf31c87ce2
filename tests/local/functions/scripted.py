"""Execution environments whose function does what its event says."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import cast

from iot_core.functions.execution_environments import ExecutionEnvironments
from iot_core.functions.lambda_function import Invocation, LambdaFunction
from tests.local.harness.channels import PATIENCE

OK = Invocation({"ok": True}, {})


class Scripted:
    """A function whose event says what to do. It cannot be ended."""

    ended = False

    def kill(self) -> None:
        pass

    def close(self) -> None:
        pass

    def invoke(self, event: Mapping[str, Callable[[], Invocation]]) -> Invocation:
        return event["do"]()


class Loads:
    """Counts how often a function is loaded."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> LambdaFunction:
        self.count += 1
        return cast("LambdaFunction", Scripted())


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
