"""The execution environments of a Lambda function: threads, each with a function that it loaded itself.

Rules:
- An environment runs one event at a time. The environment that was used last is used next, as in Lambda.
- If events wait, a thread that has run one takes the next one itself, for one time slice. If it waited for the event
  loop, the two threads would hand the interpreter to each other for each event, which is a seventh of a connect's work.
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
"""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic

from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, Invocation
from iot_core.functions.loaded_function import Load, LoadedFunction, Outdated
from iot_core.functions.worker import Result, Worker
from iot_policies import InvalidFile

_TIME_SLICE = 0.002
"""Seconds for which a thread takes events itself: for as long, messages of other clients may have to wait."""
_LOADING_AT_ONCE = 2 * (os.cpu_count() or 1)
_NOTED = 0.1
"""Seconds that an event can wait without a word about it."""
CONCURRENCY = 100
"""Execution environments that a function has at most. Lambda has 1,000 for all functions of an account."""


class FunctionTimeout(Exception):
    """The function did not answer within the time limit."""


class EnvironmentsBusy(Exception):
    """No execution environment was free within the time limit."""


class _Event:
    """An event, from `invoke` to its answer."""

    __slots__ = ("answer", "began", "content", "environment", "impatient")

    def __init__(self, content: Mapping[str, object], answer: "asyncio.Future[Invocation]") -> None:
        self.content = content
        self.answer = answer
        self.environment: _Environment | None = None
        """The environment that got it; None while it waits."""
        self.began = 0.0
        """When it got the environment, in seconds; 0 while it waits."""
        self.impatient = False
        """Whether it has waited for so long that another environment starts."""


class _Environment:
    """A thread with its function."""

    def __init__(self, load: Load, loaded: LoadedFunction | None = None) -> None:
        """Starts the thread. Without `loaded`, it loads the function before its first event."""
        self.event: _Event | None = None
        """The event that it runs."""
        self.given_up = False
        """Whether no event waits for its answer any more."""
        self._load = load
        self._function = loaded
        self._worker = Worker("lambda")

    def load(self) -> "asyncio.Future[LoadedFunction]":
        """Loads the function before the first event."""
        return self._worker.do(partial(_as_broken, self._loaded))

    def start(self, work: Callable[[], None]) -> None:
        """Does work in the thread, which invokes the function."""
        self._worker.start(work)

    def outcome(self, event: _Event) -> Invocation | Exception:
        """Runs the function on an event, in the thread. Returns BrokenHandler, InvalidFile, Outdated if it fails."""
        try:
            return _as_broken(partial(self._invoke, event.content))
        except Exception as error:  # noqa: BLE001 (the event gets it)
            return error

    @property
    def hangs(self) -> bool:
        """Whether it was given up, and its function could not be ended."""
        return self.given_up and self._function is not None and not self._function.ended

    def kill(self, ended: Callable[[], None]) -> None:
        """Ends the function, if possible while it runs, then the thread. Then calls `ended`."""
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
        self._turn = threading.Lock()
        """Held while an event gets an environment, and while an environment is given up."""
        self._events: deque[_Event] = deque()
        """Events that wait, in their order. Each environment's thread takes from it."""
        self._idle = [_Environment(load, load())]
        """The one that was used last is last."""
        self._count = 1
        """Environments that load, or are idle or busy."""
        self._busy: set[_Environment] = set()
        """Environments that load or run."""
        self._loading = 0
        self._given_up: dict[_Environment, float] = {}
        """Environments that were given up and have not ended yet, each with the time at which its event began."""
        self._invocations = 0
        """Events that run, or wait for an environment."""
        self._closed = False

    @property
    def waiting(self) -> int:
        """Events that wait for an environment to load, or to be free."""
        with self._turn:
            return sum(event.impatient for event in self._events)

    async def invoke(self, content: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, EnvironmentsBusy, BrokenHandler, InvalidFile."""
        loop = asyncio.get_running_loop()
        came, event = monotonic(), _Event(content, loop.create_future())
        self._invocations += 1
        try:
            async with asyncio.timeout(self.timeout):
                return await self._answer(event)
        except TimeoutError:
            raise self._late((event.began or monotonic()) - came) from None
        finally:
            self._invocations -= 1
            self._end_if_done()

    def close(self) -> None:
        """Lets each thread end when no event needs it any more."""
        self._closed = True
        self._end_if_done()

    async def _answer(self, event: _Event) -> Invocation:
        """Gives an event to an environment, at once or when one is free, and waits for its answer."""
        self._events.append(event)
        try:
            if self._idle:
                self._begin_waiting()
            elif self._count:
                asyncio.get_running_loop().call_later(self._patience, self._lose_patience, event)
            else:
                self._lose_patience(event)
            return await event.answer
        finally:
            self._leave(event)

    # The thread of an environment calls these, too.

    def _take(self, environment: _Environment) -> _Event | None:
        """Gives the first event that waits to an environment, unless that was given up."""
        with self._turn:
            event = self._events.popleft() if self._events and not environment.given_up else None
            environment.event = event
            if event is not None:
                event.environment, event.began = environment, monotonic()
        return event

    def _serve(self, environment: _Environment, event: _Event, loop: asyncio.AbstractEventLoop) -> None:
        """Runs an event, and then those that wait, for one time slice."""
        following: _Event | None = event
        until = monotonic() + _TIME_SLICE
        while following is not None:
            event, outcome = following, environment.outcome(following)
            goes_on = monotonic() < until and not isinstance(outcome, Outdated)
            following = environment.event = self._take(environment) if goes_on else None
            with contextlib.suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(partial(self._answered, environment, event, outcome, following))

    # Everything from here on happens in the event loop.

    def _answered(
        self,
        environment: _Environment,
        event: _Event,
        outcome: Invocation | Exception,
        following: _Event | None,
    ) -> None:
        """Takes what came of an event. `following` is the next event, which the environment runs already."""
        if event.answer.done():
            pass  # Its caller does not wait any more.
        elif isinstance(outcome, Invocation):
            event.answer.set_result(outcome)
        elif not isinstance(outcome, Outdated):
            event.answer.set_exception(outcome)
        else:
            event.environment, event.began = None, 0.0
            self._events.appendleft(event)
        if following is None and not environment.given_up:
            self._busy.discard(environment)
            if isinstance(outcome, Outdated):
                self._drop(environment)
            else:
                self._idle.append(environment)
        self._begin_waiting()
        if isinstance(outcome, Outdated):
            self._lose_patience(event)
        self._end_if_done()

    def _begin_waiting(self) -> None:
        """Begins the events that wait in the environments that are idle."""
        loop = asyncio.get_running_loop()
        while self._events and self._idle:
            environment = self._idle.pop()
            event = self._take(environment)
            if event is None:  # A thread was faster.
                self._idle.append(environment)
                return
            self._busy.add(environment)
            environment.start(partial(self._serve, environment, event, loop))

    def _lose_patience(self, event: _Event) -> None:
        """Starts another environment for an event that still waits."""
        if event.environment is not None or event.answer.done():
            return
        event.impatient = True
        try:
            self._start_missing()
        except BrokenHandler as error:
            event.answer.set_exception(error)

    def _leave(self, event: _Event) -> None:
        """Its caller does not wait for an event any more. Gives its environment up, if that still runs it.

        The environment has its time from when it got the event: if it had less than half of it, it keeps the rest.
        """
        if event.environment is None:
            with self._turn, contextlib.suppress(ValueError):
                self._events.remove(event)
        if event.environment is not None and event.environment.event is event:
            ran = monotonic() - event.began
            if ran >= self.timeout / 2:
                self._give_up(event.environment, event)
            else:
                later = asyncio.get_running_loop().call_later
                later(self.timeout - ran, self._give_up, event.environment, event)

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
        now = monotonic()
        ages = [now - started for environment, started in self._given_up.items() if environment.hangs]
        hanging = [age for age in ages if age >= self.timeout / 2]
        if not hanging:
            return ""
        return (
            f"; {len(hanging)} cannot be ended, and the oldest handler has been running for {max(hanging):.0f} s: "
            "use --isolate, which ends such handlers"
        )

    def _load_again(self) -> LoadedFunction:
        """Loads the same version again. Raises Outdated if the files changed during that."""
        try:
            return self._load()
        finally:
            if not self._unchanged():
                raise Outdated

    def _start_missing(self) -> None:
        """Starts environments for the events that wait, a few at a time. Raises BrokenHandler if none can start."""
        while self.waiting > self._loading and self._loading < _LOADING_AT_ONCE and self._may_start():
            try:
                started = _Environment(self._load_again)
            except RuntimeError as error:
                raise BrokenHandler(f"no execution environment can start: {error}") from None
            self._count += 1
            self._loading += 1
            self._busy.add(started)
            started.load().add_done_callback(partial(self._loaded, started))

    def _loaded(self, environment: _Environment, function: "asyncio.Future[LoadedFunction]") -> None:
        """Gives an environment to the events. If it could not load the function, the first event that waits fails."""
        self._loading -= 1
        problem = function.exception()
        if not environment.given_up:
            self._busy.discard(environment)
            if problem is None:
                self._idle.append(environment)
            else:
                self._drop(environment)
        if isinstance(problem, Exception) and not isinstance(problem, Outdated) and self.waiting:
            with self._turn:
                failing = self._events.popleft() if self._events else None
            if failing is not None and not failing.answer.done():
                failing.answer.set_exception(problem)
        self._begin_waiting()
        self._continue()

    def _drop(self, environment: _Environment) -> None:
        self._count -= 1
        environment.end()

    def _give_up(self, environment: _Environment, event: _Event | None = None) -> None:
        """Gives up an environment, unless it has answered this event already."""
        with self._turn:
            if environment.given_up or environment.event is not event:
                return
            environment.given_up = True
        self._count -= 1
        self._busy.discard(environment)
        self._given_up[environment] = monotonic() if event is None else event.began
        environment.kill(partial(self._ended, environment))
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
            while self._idle:
                self._idle.pop().end()
            for environment in list(self._busy):
                self._give_up(environment, environment.event)


def _as_broken(work: Callable[[], Result]) -> Result:
    """Does what can fail by the handler's code. Raises BrokenHandler, InvalidFile, Outdated."""
    try:
        return work()
    except (BrokenHandler, InvalidFile, Outdated):
        raise
    except BaseException as error:  # Also StopIteration, which no future accepts, and SystemExit.
        raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error
