"""A thread that does one piece of work at a time, for an event loop.

The thread is a daemon: work that hangs blocks neither the event loop nor the end of the process.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


class Worker:
    """A thread that runs one piece of work at a time."""

    def __init__(self, name: str) -> None:
        """Starts the thread. Raises RuntimeError if the system has no thread left."""
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        """Runs `work` after all earlier work. The future gets its result or its exception."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._work.put(partial(_do, work, answer))
        return answer

    def end(self) -> None:
        """Lets the thread end after all its work."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _do(work: Callable[[], Result], answer: "asyncio.Future[Result]") -> None:
    loop = answer.get_loop()
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 (the future passes it on)
        _tell(loop, partial(_fail, answer, error))
    except BaseException as error:  # noqa: BLE001 (SystemExit would end the event loop)
        _tell(loop, partial(_fail, answer, RuntimeError(f"{type(error).__name__} in a thread")))
    else:
        _tell(loop, partial(_succeed, answer, result))


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # The loop is closed.
        return


def _succeed(answer: "asyncio.Future[Result]", result: Result) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Result]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
