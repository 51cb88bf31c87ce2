"""The execution environments of a Lambda function: threads, each with a function that it loaded itself.

Rules:
- An environment runs one event at a time. The environment that was used last is used next, as in Lambda.
- An event that finds no idle environment waits for a moment; then another environment starts, up to a limit. The event
  gets the first environment that is free, which can be an older one. Only a few load at the same time: if all did, on a
  machine with few cores none would be ready in time.
- An event that takes too long fails, and its environment is given up: its function is ended. A function in this process
  cannot be ended, so its environment hangs until the handler returns. It counts towards the limit.
- An event that gets no environment in time fails, too. Its error says what the environments are busy with. The same
  error fails an event that waited for more than half of its time: its handler is not to blame, and may finish.
- A function whose process has ended is loaded again for the next event.
- All environments run one version of the function. Once the version's files have changed, no environment starts, and
  a function that was loaded from changed files is not used: its event waits for an older environment.
- After `close`, each thread ends when no event needs it any more.
- The threads are daemons: one that hangs blocks neither the event loop nor the end of the process.
"""

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, Invocation
from iot_policies import InvalidFile

_LOADING_AT_ONCE = 2 * (os.cpu_count() or 1)
_NOTED = 0.1
"""Seconds that an event can wait without a word about it."""
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


class _Environment:
    """A thread with its function."""

    def __init__(self, load: Load, loaded: LoadedFunction | None = None) -> None:
        """Starts the thread. Without `loaded`, it loads the function before its first event."""
        self.problem: BaseException | None = None
        """Why it could not load the function: the answer to the event that gets it."""
        self._load = load
        self._function = loaded
        self.given_up = False
        """Whether no event waits for its answer any more."""
        self._worker = Worker("lambda")

    def load(self) -> "asyncio.Future[LoadedFunction]":
        """Loads the function before the first event."""
        return self._worker.do(partial(_as_broken, self._loaded))

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the function on an event."""
        return self._worker.do(partial(_as_broken, partial(self._invoke, event)))

    @property
    def hangs(self) -> bool:
        """Whether it was given up, and its function could not be ended."""
        return self.given_up and self._function is not None and not self._function.ended

    def give_up(self, ended: Callable[[], None]) -> None:
        """Ends the function, if possible while it runs, then the thread. Then calls `ended`."""
        self.given_up = True
        if self._function is not None:
            self._function.kill()
        self.end(ended)

    def end(self, ended: Callable[[], None] | None = None) -> None:
        """Ends the function and the thread after its work. Then calls `ended`."""
        self._worker.end(self._close, ended)

    def _close(self) -> None:
        if self._function is not None:
            self._function.close()

    def _loaded(self) -> LoadedFunction:
        if self._function is None or self._function.ended:
            self._function = self._load()
        return self._function

    def _invoke(self, event: Mapping[str, object]) -> Invocation:
        function = self._loaded()
        if self.given_up:
            raise BrokenHandler("the handler did not load in time")
        return function.invoke(event)


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
        """Environments that load, or are idle or busy."""
        self._busy: dict[_Environment, float] = {}
        """Environments that load or run, each with the loop's time when that began."""
        self._loading = 0
        self._given_up: dict[_Environment, float] = {}
        """Environments that were given up and have not ended yet, each with the loop's time when its event began."""
        self._invocations = 0
        """Events that run, or wait for an environment."""
        self.waiting = 0
        """Events that wait for an environment to load, or to be free."""
        self._closed = False

    async def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, EnvironmentsBusy, BrokenHandler, InvalidFile."""
        clock = asyncio.get_running_loop().time
        began, ran_from = clock(), None
        self._invocations += 1
        try:
            async with asyncio.timeout(self.timeout):
                while True:
                    ran_from = None
                    environment = await self._acquire()
                    ran_from = clock()
                    with contextlib.suppress(_Outdated):
                        return await self._run(environment, event)
        except TimeoutError:
            waited = (ran_from or clock()) - began
            raise self._late(waited) from None
        finally:
            self._invocations -= 1
            self._end_if_done()

    def close(self) -> None:
        """Lets each thread end when no event needs it any more."""
        self._closed = True
        self._end_if_done()

    async def _acquire(self) -> _Environment:
        if not self._idle.empty():
            return self._idle.get_nowait()
        if self._count:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    return await self._idle.get()
        self.waiting += 1
        try:
            self._start_missing()
            return await self._idle.get()
        finally:
            self.waiting -= 1

    def _may_start(self) -> bool:
        return self._count + len(self._given_up) < self._limit and self._unchanged()

    def _late(self, waited: float) -> FunctionTimeout | EnvironmentsBusy:
        """The error of an event that is not answered in time, after it waited so many seconds for an environment."""
        hanging = self._what_hangs()
        if waited <= self.timeout / 2:
            after = f", after {waited:.1f} s in which no environment was free" if waited >= _NOTED else ""
            return FunctionTimeout(f"the function did not answer within {self.timeout:g} seconds{after}{hanging}")
        busy = f"{self._count + len(self._given_up)} of at most {self._limit} are busy"
        within = f"for {waited:.1f} of {self.timeout:g} seconds"
        return EnvironmentsBusy(f"no execution environment was free {within}: {busy}{hanging}")

    def _what_hangs(self) -> str:
        now = asyncio.get_running_loop().time()
        ages = [now - started for environment, started in self._given_up.items() if environment.hangs]
        hanging = [age for age in ages if age >= self.timeout / 2]
        if not hanging:
            return ""
        return (
            f"; {len(hanging)} cannot be ended, and the oldest handler has been running for {max(hanging):.0f} s: "
            "use --isolate, which ends such handlers"
        )

    def _load_again(self) -> LoadedFunction:
        """Loads the same version again. Raises _Outdated if the files changed during that."""
        try:
            return self._load()
        finally:
            if not self._unchanged():
                raise _Outdated

    def _start_missing(self) -> None:
        """Starts environments for the events that wait, a few at a time. Raises BrokenHandler if none can start."""
        while (
            self.waiting > self._idle.qsize() + self._loading and self._loading < _LOADING_AT_ONCE and self._may_start()
        ):
            try:
                started = _Environment(self._load_again)
            except RuntimeError as error:
                raise BrokenHandler(f"no execution environment can start: {error}") from None
            self._count += 1
            self._loading += 1
            self._busy[started] = asyncio.get_running_loop().time()
            started.load().add_done_callback(partial(self._loaded, started))

    def _loaded(self, environment: _Environment, function: "asyncio.Future[LoadedFunction]") -> None:
        """Gives an environment to the events, or ends it if it could not load the function and no event waits."""
        self._loading -= 1
        self._busy.pop(environment, None)
        problem = environment.problem = function.exception()
        if isinstance(problem, _Outdated) or (problem is not None and not self.waiting):
            self._drop(environment)
        elif not environment.given_up:
            self._idle.put_nowait(environment)
        self._continue()

    def _drop(self, environment: _Environment) -> None:
        if not environment.given_up:
            self._count -= 1
            environment.end()

    async def _run(self, environment: _Environment, event: Mapping[str, object]) -> Invocation:
        if environment.problem is not None:
            self._drop(environment)
            raise environment.problem
        loop = asyncio.get_running_loop()
        started = self._busy[environment] = loop.time()
        answer = environment.invoke(event)
        overdue = loop.call_later(self.timeout, self._give_up_unanswered, environment, answer)
        answer.add_done_callback(partial(self._answered, environment, overdue))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if loop.time() - started >= self.timeout / 2:
                self._give_up_unanswered(environment, answer)
            raise

    def _answered(
        self, environment: _Environment, overdue: asyncio.TimerHandle, answer: "asyncio.Future[Invocation]"
    ) -> None:
        overdue.cancel()
        self._busy.pop(environment, None)
        if isinstance(answer.exception(), _Outdated):
            self._drop(environment)
        elif not environment.given_up:
            self._idle.put_nowait(environment)
        self._end_if_done()

    def _give_up_unanswered(self, environment: _Environment, answer: "asyncio.Future[Invocation]") -> None:
        """Gives up an environment whose time has ended, unless it answered in the same turn of the loop."""
        if not answer.done():
            self._give_up(environment)

    def _give_up(self, environment: _Environment) -> None:
        """Gives up an environment that hangs, or that nothing needs any more, unless that is done already."""
        if environment.given_up:
            return
        self._count -= 1
        self._given_up[environment] = self._busy.pop(environment)
        environment.give_up(partial(self._ended, environment))
        self._continue()

    def _ended(self, environment: _Environment) -> None:
        del self._given_up[environment]
        self._continue()

    def _continue(self) -> None:
        """Does what is possible now that an environment has loaded or ended."""
        with contextlib.suppress(BrokenHandler):
            self._start_missing()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._closed and not self._invocations:
            while not self._idle.empty():
                self._idle.get_nowait().end()
            for environment in list(self._busy):
                self._give_up(environment)


def _as_broken(work: Callable[[], Result]) -> Result:
    """Does what can fail by the handler's code. Raises BrokenHandler, InvalidFile, _Outdated."""
    try:
        return work()
    except (BrokenHandler, InvalidFile, _Outdated):
        raise
    except BaseException as error:  # Also StopIteration, which no future accepts, and SystemExit.
        raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error


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
