"""Threads for what may hang: one that does is left to itself, and keeps neither the event loop nor the process."""

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")


class Worker:
    """A thread that does one piece of work at a time."""

    def __init__(self, name: str) -> None:
        """Starts the thread. Raises RuntimeError where the system has none left."""
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def do(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        """Does some work after all before it. The future has its result or its exception, if somebody still waits."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._work.put(partial(_do, work, answer))
        return answer

    def end(self, ended: Callable[[], None] | None = None) -> None:
        """Lets the thread end once it is through; `ended` is called on the event loop then."""
        if ended is not None:
            self._work.put(partial(_tell, asyncio.get_running_loop(), ended))
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _do(work: Callable[[], Result], answer: "asyncio.Future[Result]") -> None:
    loop = answer.get_loop()
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 (it goes to who waits for it)
        _tell(loop, partial(_fail, answer, error))
    except BaseException as error:  # noqa: BLE001 (SystemExit, as far as the event loop is concerned, is for it)
        _tell(loop, partial(_fail, answer, RuntimeError(f"{type(error).__name__} in a thread")))
    else:
        _tell(loop, partial(_succeed, answer, result))


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:  # The loop is closed: nobody waits any more.
        return


def _succeed(answer: "asyncio.Future[Result]", result: Result) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Result]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
