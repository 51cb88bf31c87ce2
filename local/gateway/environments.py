"""Lambda's execution environments: each runs one event at a time, in a thread of its own."""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from local.lambda_function import BrokenHandler, Invocation, LambdaFunction

TIMEOUT = 5.0
"""Seconds that IoT Core waits for an authorizer, a cold start included."""
_PATIENCE = 0.05
"""Seconds that an event waits for a busy environment before another one is started."""
_MOST = 16
"""Environments at once, those that hang not counted."""
_MOST_HANGING = 64
"""Threads that are given up: a thread can't be ended."""


class FunctionTimeout(Exception):
    """The function did not answer in time."""


class _Event(NamedTuple):
    event: Mapping[str, object]
    answer: "asyncio.Future[Invocation]"


class _Environment:
    """A thread with a function of its own."""

    def __init__(self, load: Callable[[], LambdaFunction], loaded: LambdaFunction | None) -> None:
        self._load = load
        self._function = loaded
        self._events: queue.SimpleQueue[_Event | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="lambda", daemon=True).start()

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the function on an event, once the thread has loaded it."""
        answer: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        self._events.put(_Event(event, answer))
        return answer

    def close(self) -> None:
        """Lets the thread end after the event that it has."""
        self._events.put(None)

    def _run(self) -> None:
        while (item := self._events.get()) is not None:
            event, answer = item
            loop = answer.get_loop()
            try:
                if self._function is None:
                    self._function = self._load()
                invocation = self._function.invoke(event)
            except Exception as error:  # noqa: BLE001 (whatever a handler raises goes to who waits for it)
                _tell(loop, _fail, answer, error)
            except BaseException as error:  # noqa: BLE001 (a handler that ends its interpreter: Lambda's would be gone)
                _tell(loop, _fail, answer, BrokenHandler(f"the handler raised {type(error).__name__}"))
            else:
                _tell(loop, _succeed, answer, invocation)


class Environments:
    """All execution environments of one version of a function."""

    def __init__(self, load: Callable[[], LambdaFunction], *, timeout: float = TIMEOUT) -> None:
        """Loads the function once. Raises what `load` raises: BrokenHandler, or InvalidFile."""
        self._load = load
        self._timeout = timeout
        self._idle: asyncio.LifoQueue[_Environment] = asyncio.LifoQueue()
        self._idle.put_nowait(_Environment(load, load()))
        self._count = 1
        self._hanging = 0
        self._closed = False

    async def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, BrokenHandler, InvalidFile."""
        try:
            async with asyncio.timeout(self._timeout):
                environment = await self._acquire()
                answer = environment.invoke(event)
                try:
                    return await answer
                finally:
                    if answer.cancelled():
                        self._give_up(environment)
                    else:
                        self._release(environment)
        except TimeoutError:
            raise FunctionTimeout(f"the function did not answer within {self._timeout:g} seconds") from None

    def close(self) -> None:
        """Lets all threads end, once they are through."""
        self._closed = True
        while not self._idle.empty():
            self._idle.get_nowait().close()

    async def _acquire(self) -> _Environment:
        if not self._idle.empty():
            return self._idle.get_nowait()
        if self._count < _MOST:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await self._idle.get()
            except TimeoutError:
                pass
            if self._count < _MOST:
                self._count += 1
                return _Environment(self._load, None)
        return await self._idle.get()

    def _release(self, environment: _Environment) -> None:
        if self._closed:
            environment.close()
        else:
            self._idle.put_nowait(environment)

    def _give_up(self, environment: _Environment) -> None:
        """Leaves a thread to itself that hangs. Past a bound no other takes its place, so that threads are bounded."""
        environment.close()
        self._hanging += 1
        if self._hanging < _MOST_HANGING:
            self._count -= 1


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *arguments: object) -> None:
    try:
        loop.call_soon_threadsafe(what, *arguments)
    except RuntimeError:  # The loop is closed: nobody waits any more.
        return


def _succeed(answer: "asyncio.Future[Invocation]", invocation: Invocation) -> None:
    if not answer.done():
        answer.set_result(invocation)


def _fail(answer: "asyncio.Future[Invocation]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
