"""Lambda's execution environments: each runs one event at a time, in a thread of its own."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, Invocation, LambdaFunction
from iot_core.functions.worker import Worker
from iot_policies import InvalidFile

_PATIENCE = 0.05
"""Seconds that an event waits for a busy environment before another one is started."""
_MOST = 16
"""Environments at once, those that hang not counted."""
_MOST_HANGING = 64
"""Threads that are given up at once: a thread can't be ended."""


class Outdated(Exception):
    """A function that is about to be loaded again is another one by now."""


class FunctionTimeout(Exception):
    """The function did not answer in time."""


class _Environment:
    """A thread with a function of its own."""

    def __init__(self, load: Callable[[], LambdaFunction], loaded: LambdaFunction | None = None) -> None:
        """Without a function that is loaded, the thread loads one before its first event."""
        self._load = load
        self._function = loaded
        self.worker = Worker("lambda")

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the function on an event."""
        return self.worker.do(partial(self._invoke, event))

    def _invoke(self, event: Mapping[str, object]) -> Invocation:
        try:
            if self._function is None:
                self._function = self._load()
            return self._function.invoke(event)
        except (BrokenHandler, InvalidFile, Outdated):
            raise
        except BaseException as error:  # Also StopIteration, which no future takes, and all that ends threads.
            raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error


class Environments:
    """All execution environments of one version of a function. They belong to one event loop."""

    def __init__(
        self,
        load: Callable[[], LambdaFunction],
        *,
        timeout: float = TIMEOUT,
        unchanged: Callable[[], bool] = lambda: True,
    ) -> None:
        """Loads the function once; `timeout` in seconds. Raises what `load` raises: BrokenHandler, or InvalidFile.

        While `unchanged` says no, another load would give another version: no environment is added then.
        """
        self._load = load
        self._unchanged = unchanged
        self._timeout = timeout
        self._idle: asyncio.LifoQueue[_Environment] = asyncio.LifoQueue()
        self._idle.put_nowait(_Environment(load, load()))
        self._count = 1
        """Those that are idle or at work."""
        self._hanging = 0
        """Those that were given up, and have not ended yet."""
        self._invocations = 0
        """Those that are under way, or wait for an environment."""
        self._waiting = 0
        """Those that wait for an environment, since no other may be started."""
        self._closed = False

    async def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, BrokenHandler, InvalidFile."""
        waits_for = "no execution environment was free"
        self._invocations += 1
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    environment = await self._acquire()
                    waits_for = "the function did not answer"
                    with contextlib.suppress(Outdated):
                        return await self._run(environment, event)
                    waits_for = "no execution environment was free"
        except TimeoutError:
            raise FunctionTimeout(f"{waits_for} within {self._timeout:g} seconds") from None
        finally:
            self._invocations -= 1
            self._end_if_done()

    def close(self) -> None:
        """Lets all threads end, once nobody waits for them any more."""
        self._closed = True
        self._end_if_done()

    async def _acquire(self) -> _Environment:
        if self._idle.empty() and self._may_start():
            if self._count:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE):
                        return await self._idle.get()
            if self._idle.empty() and self._may_start():
                return self._start()
        self._waiting += 1
        try:
            return await self._idle.get()
        finally:
            self._waiting -= 1

    def _may_start(self) -> bool:
        return self._count < _MOST and self._hanging < _MOST_HANGING and self._unchanged()

    def _load_again(self) -> LambdaFunction:
        """The same version. Raises Outdated where that is not what stands in the files any more."""
        try:
            return self._load()
        finally:
            if not self._unchanged():
                raise Outdated

    def _start(self) -> _Environment:
        try:
            started = _Environment(self._load_again)
        except RuntimeError as error:
            raise BrokenHandler(f"no execution environment can be started: {error}") from None
        self._count += 1
        return started

    async def _run(self, environment: _Environment, event: Mapping[str, object]) -> Invocation:
        answer = environment.invoke(event)
        try:
            invocation = await answer
        except Outdated:
            self._count -= 1
            environment.worker.end()
            raise
        except asyncio.CancelledError:
            self._give_up(environment)
            raise
        except Exception:
            self._idle.put_nowait(environment)
            raise
        self._idle.put_nowait(environment)
        return invocation

    def _give_up(self, environment: _Environment) -> None:
        """Leaves a thread to itself that hangs, or is not waited for any more."""
        self._count -= 1
        self._hanging += 1
        environment.worker.end(self._ended)
        self._replace()

    def _ended(self) -> None:
        self._hanging -= 1
        self._replace()

    def _replace(self) -> None:
        """Lets another thread take the place of one that was given up, where somebody waits for it."""
        if self._waiting and self._idle.empty() and self._may_start():
            with contextlib.suppress(BrokenHandler):
                self._idle.put_nowait(self._start())

    def _end_if_done(self) -> None:
        while self._closed and not self._invocations and not self._idle.empty():
            self._idle.get_nowait().worker.end()
