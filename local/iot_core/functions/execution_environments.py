"""The execution environments of a Lambda function: threads, each with a function that it loaded itself.

Rules:
- An environment runs one event at a time. The environment that was used last is used next, as in Lambda.
- An event that finds no idle environment waits for a moment; then another environment starts, up to a limit.
- An event that takes too long fails, and its environment is given up: its function is ended. A function in this process
  cannot be ended, so its environment hangs until the handler returns. It counts towards the limit.
- An event that gets no environment in time fails, too. Its error says what the environments are busy with.
- A function whose process has ended is loaded again for the next event.
- All environments run one version of the function. Once the version's files have changed, no environment starts, and
  a function that was loaded from changed files is not used: its event waits for an older environment.
- After `close`, each thread ends when no event needs it any more.
- The threads are daemons: one that hangs blocks neither the event loop nor the end of the process.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, Invocation
from iot_policies import InvalidFile

CONCURRENCY = 100
"""Execution environments that a function has at most. Lambda has 1,000 for all functions of an account."""

Result = TypeVar("Result")


class _Outdated(Exception):
    """The files of a function changed while it was loaded again."""


class LoadedFunction(Protocol):
    """A function that was loaded once: in this process, or in one of its own."""

    @property
    def ended(self) -> bool:
        """Whether it has ended, so that it cannot be invoked any more."""

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the handler on an event, in the calling thread. Raises BrokenHandler."""

    def kill(self) -> None:
        """Ends it if it can be ended, also while another thread invokes it. Does not wait."""

    def close(self) -> None:
        """Ends it, and waits until it has ended. Only the thread that invokes it calls this."""


Load = Callable[[], LoadedFunction]
"""Loads the function. Raises BrokenHandler, InvalidFile."""


class FunctionTimeout(Exception):
    """The function did not answer within the time limit."""


class EnvironmentsBusy(Exception):
    """No execution environment was free within the time limit."""


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

    def end(self, last: Callable[[], None] = lambda: None, ended: Callable[[], None] | None = None) -> None:
        """Lets the thread end after all its work and `last`, then calls `ended` on the event loop."""
        self._work.put(last)
        if ended is not None:
            self._work.put(partial(_tell, asyncio.get_running_loop(), ended))
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


class _Environment:
    """A thread with its function."""

    def __init__(self, load: Load, loaded: LoadedFunction | None = None) -> None:
        """Starts the thread. Without `loaded`, it loads the function before its first event."""
        self._load = load
        self._function = loaded
        self._given_up = False
        self._worker = Worker("lambda")

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the function on an event."""
        return self._worker.do(partial(self._invoke, event))

    @property
    def hangs(self) -> bool:
        """Whether it was given up, and its function could not be ended."""
        return self._given_up and self._function is not None and not self._function.ended

    def give_up(self, ended: Callable[[], None]) -> None:
        """Ends the function, if possible while it runs, then the thread. Then calls `ended`."""
        self._given_up = True
        if self._function is not None:
            self._function.kill()
        self.end(ended)

    def end(self, ended: Callable[[], None] | None = None) -> None:
        """Ends the function and the thread after its work. Then calls `ended`."""
        self._worker.end(self._close, ended)

    def _close(self) -> None:
        if self._function is not None:
            self._function.close()

    def _invoke(self, event: Mapping[str, object]) -> Invocation:
        try:
            if self._function is None or self._function.ended:
                self._function = self._load()
            if self._given_up:  # Meanwhile: nobody waits for an answer.
                raise BrokenHandler("the handler did not load in time")
            return self._function.invoke(event)
        except (BrokenHandler, InvalidFile, _Outdated):
            raise
        except BaseException as error:  # Also StopIteration, which no future accepts, and SystemExit.
            raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error


class ExecutionEnvironments:
    """All execution environments of one version of a function. They belong to one event loop."""

    def __init__(
        self,
        load: Load,
        *,
        timeout: float = TIMEOUT,
        patience: float = 0.05,
        limit: int = CONCURRENCY,
        unchanged: Callable[[], bool] = lambda: True,
    ) -> None:
        """Loads the function once. Raises what `load` raises: BrokenHandler, or InvalidFile.

        `timeout` and `patience` are in seconds: for a whole invocation, and until another environment starts.
        `limit` is the number of environments, hanging ones too. `unchanged` tells whether `load` would still load this
        version.
        """
        self._load = load
        self._unchanged = unchanged
        self.timeout = timeout
        """Seconds for a whole invocation."""
        self._patience = patience
        self._limit = limit
        self._idle: asyncio.LifoQueue[_Environment] = asyncio.LifoQueue()
        self._idle.put_nowait(_Environment(load, load()))
        self._count = 1
        """Environments that are idle or busy."""
        self._given_up: dict[_Environment, float] = {}
        """Environments that were given up and have not ended yet, each with the loop's time when its event began."""
        self._invocations = 0
        """Events that run, or wait for an environment."""
        self.waiting = 0
        """Events that wait for an environment because no other may start."""
        self._closed = False

    async def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, EnvironmentsBusy, BrokenHandler, InvalidFile."""
        runs = False
        self._invocations += 1
        try:
            async with asyncio.timeout(self.timeout):
                while True:
                    environment = await self._acquire()
                    runs = True
                    with contextlib.suppress(_Outdated):
                        return await self._run(environment, event)
                    runs = False
        except TimeoutError:
            within, hanging = f"within {self.timeout:g} seconds", self._what_hangs()
            if runs:
                raise FunctionTimeout(f"the function did not answer {within}{hanging}") from None
            busy = f"{self._count + len(self._given_up)} of at most {self._limit} are busy"
            raise EnvironmentsBusy(f"no execution environment was free {within}: {busy}{hanging}") from None
        finally:
            self._invocations -= 1
            self._end_if_done()

    def close(self) -> None:
        """Lets each thread end when no event needs it any more."""
        self._closed = True
        self._end_if_done()

    async def _acquire(self) -> _Environment:
        if self._idle.empty() and self._may_start():
            if self._count:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._patience):
                        return await self._idle.get()
            if self._idle.empty() and self._may_start():
                return self._start()
        self.waiting += 1
        try:
            return await self._idle.get()
        finally:
            self.waiting -= 1

    def _may_start(self) -> bool:
        return self._count + len(self._given_up) < self._limit and self._unchanged()

    def _what_hangs(self) -> str:
        hanging = [started for environment, started in self._given_up.items() if environment.hangs]
        if not hanging:
            return ""
        longest = asyncio.get_running_loop().time() - min(hanging)
        return (
            f"; {len(hanging)} cannot be ended, and the oldest handler has been running for {longest:.0f} s: "
            "use --isolate, which ends such handlers"
        )

    def _load_again(self) -> LoadedFunction:
        """Loads the same version again. Raises _Outdated if the files changed during that."""
        try:
            return self._load()
        finally:
            if not self._unchanged():
                raise _Outdated

    def _start(self) -> _Environment:
        try:
            started = _Environment(self._load_again)
        except RuntimeError as error:
            raise BrokenHandler(f"no execution environment can start: {error}") from None
        self._count += 1
        return started

    async def _run(self, environment: _Environment, event: Mapping[str, object]) -> Invocation:
        started = asyncio.get_running_loop().time()
        answer = environment.invoke(event)
        try:
            invocation = await answer
        except _Outdated:
            self._count -= 1
            environment.end()
            raise
        except asyncio.CancelledError:
            self._give_up(environment, started)
            raise
        except Exception:
            self._idle.put_nowait(environment)
            raise
        self._idle.put_nowait(environment)
        return invocation

    def _give_up(self, environment: _Environment, started: float) -> None:
        """Gives up an environment that hangs, or that no caller waits for any more."""
        self._count -= 1
        self._given_up[environment] = started
        environment.give_up(partial(self._ended, environment))
        self._replace()

    def _ended(self, environment: _Environment) -> None:
        del self._given_up[environment]
        self._replace()

    def _replace(self) -> None:
        """Starts an environment in place of one that was given up, if an event waits for it."""
        if self.waiting and self._idle.empty() and self._may_start():
            with contextlib.suppress(BrokenHandler):
                self._idle.put_nowait(self._start())

    def _end_if_done(self) -> None:
        while self._closed and not self._invocations and not self._idle.empty():
            self._idle.get_nowait().end()


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
