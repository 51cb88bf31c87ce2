"""The execution environments of a Lambda function, each with a function that was loaded for it.

Rules:
- An environment runs one event at a time. The environment that was used last is used next, as in Lambda.
- An event that finds no idle environment waits for a moment; then another environment starts, up to a limit. The event
  gets the first environment that is free, which can be an older one. Only a few load at the same time: if all did, on a
  machine with few cores none would be ready in time.
- An event that takes too long fails, and its environment is given up: its function is ended. A function in a thread of
  this process cannot be ended, so its environment hangs until the handler returns. It counts towards the limit.
- An event that gets no environment in time fails, too. Its error says what the environments are busy with. The same
  error fails an event that waited for more than half of its time: its handler is not to blame, and may finish.
- A function whose process has ended is loaded again for the next event.
- All environments run one version of the function. Once the version's files have changed, no environment starts while
  there is one, and a function that was loaded from changed files is not used: its event waits for an older environment.
- After `close`, each environment ends when no event needs it any more.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic

from iot_core.functions.lambda_function import TIMEOUT, BrokenHandler, Invocation
from iot_core.functions.loaded_function import Load, LoadedFunction, as_broken
from iot_core.functions.worker import Worker

_LOADING_AT_ONCE = 2 * (os.cpu_count() or 1)
_NOTED = 0.1
"""Seconds that an event can wait without a word about it."""
CONCURRENCY = 100
"""Execution environments that a function has at most. Lambda has 1,000 for all functions of an account."""


class FunctionTimeout(Exception):
    """The function did not answer within the time limit."""


class EnvironmentsBusy(Exception):
    """No execution environment was free within the time limit."""


class _Outdated(Exception):
    """The files of a function changed while it was loaded again."""


class _Event:
    """An event, from `invoke` to its answer."""

    __slots__ = ("answer", "began", "came", "content", "environment", "impatient")

    def __init__(self, content: Mapping[str, object], answer: "asyncio.Future[Invocation]") -> None:
        self.content = content
        self.answer = answer
        self.came = monotonic()
        """When it came, in seconds."""
        self.environment: _Environment | None = None
        """The environment that got it; None while it waits."""
        self.began = 0.0
        """When it got the environment, in seconds; 0 while it waits."""
        self.impatient = False
        """Whether it has waited for so long that another environment starts."""


class _Environment:
    """A function, and the event that it runs."""

    def __init__(self, function: LoadedFunction | None = None) -> None:
        """Without a function, it still loads one."""
        self.function = function
        self.event: _Event | None = None
        """The event that it runs."""
        self.running: asyncio.Future[Invocation] | None = None
        """What the function makes of the event."""
        self.given_up = False
        """Whether no event waits for its answer any more."""

    @property
    def hangs(self) -> bool:
        """Whether it was given up, and its function could not be ended."""
        return self.given_up and self.function is not None and not self.function.ended

    def runs(self, event: "_Event | None") -> bool:
        """Whether it runs this event and has not answered it; None: whether it still loads."""
        return self.event is event and (self.running is None or not self.running.done())

    def load(self, load: Load) -> None:
        """Loads the function, in a thread; ends it if the environment was given up meanwhile."""
        self.function = load()
        if self.given_up:
            self.function.close()

    def kill(self) -> None:
        """Ends the function, if possible while it runs."""
        if self.function is not None:
            self.function.kill()

    def close(self) -> None:
        """Ends the function after its event."""
        if self.function is not None:
            self.function.close()


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
        self._events: deque[_Event] = deque()
        """Events that wait, in their order."""
        self._idle = [_Environment(load())]
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
        self._look: asyncio.TimerHandle | None = None
        """The next look at the events that wait."""
        self._closed = False

    @property
    def waiting(self) -> int:
        """Events that wait for an environment to load, or to be free."""
        return sum(event.impatient for event in self._events)

    async def invoke(self, content: Mapping[str, object]) -> Invocation:
        """Runs the function on an event. Raises FunctionTimeout, EnvironmentsBusy, BrokenHandler, InvalidFile."""
        loop = asyncio.get_running_loop()
        event = _Event(content, loop.create_future())
        expiry = loop.call_later(self.timeout, _fail, event, TimeoutError())
        self._invocations += 1
        self._events.append(event)
        try:
            self._begin_waiting()
            if event.environment is None and (self._look is None or not self._count):
                self._look_at_waiting()
            return await self._answer(event)
        except TimeoutError:
            raise self._late((event.began or monotonic()) - event.came) from None
        finally:
            expiry.cancel()
            self._invocations -= 1
            self._end_if_done()

    def close(self) -> None:
        """Lets each environment end when no event needs it any more."""
        self._closed = True
        self._end_if_done()

    async def _answer(self, event: _Event) -> Invocation:
        try:
            return await event.answer
        finally:
            self._leave(event)

    def _begin_waiting(self) -> None:
        """Begins the events that wait in the environments that are idle."""
        while self._events and self._idle:
            if self._events[0].answer.done():  # Its caller does not wait any more.
                self._events.popleft()
                continue
            environment = self._idle.pop()
            function = environment.function
            if function is None or function.ended:  # It ended while it was idle.
                self._drop(environment)
                continue
            event = environment.event = self._events.popleft()
            event.environment, event.began = environment, monotonic()
            self._busy.add(environment)
            environment.running = function.invoke(event.content)
            environment.running.add_done_callback(partial(self._answered, environment, event))

    def _answered(self, environment: _Environment, event: _Event, answer: "asyncio.Future[Invocation]") -> None:
        """Takes what came of an event, and gives the environment to the next one."""
        environment.event = environment.running = None
        if environment.given_up:
            self._ended(environment)
        elif self._keeps(environment):
            self._begin_waiting()
        else:
            self._continue()
        error = answer.exception()
        if error is not None:
            _fail(event, error)
        elif not event.answer.done():
            event.answer.set_result(answer.result())
        self._end_if_done()

    def _look_at_waiting(self) -> None:
        """Starts environments for the events that have waited for long enough. Looks again when the next one has."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        patience = self._patience if self._count else 0
        impatient = []
        for event in self._events:
            if event.impatient:
                continue
            rest = event.came + patience - monotonic()
            if rest > 0:
                self._look = asyncio.get_running_loop().call_later(rest, self._look_at_waiting)
                break
            event.impatient = True
            impatient.append(event)
        try:
            self._start_missing()
        except BrokenHandler as error:
            for event in impatient:
                _fail(event, error)

    def _leave(self, event: _Event) -> None:
        """Its caller does not wait for an event any more. Gives its environment up, if that still runs it.

        The environment has its time from when it got the event: if it had less than half of it, it keeps the rest.
        """
        if event.environment is None:
            with contextlib.suppress(ValueError):
                self._events.remove(event)
        if event.environment is not None and event.environment.runs(event):
            ran = monotonic() - event.began
            if ran >= self.timeout / 2:
                self._give_up(event.environment, event)
            else:
                later = asyncio.get_running_loop().call_later
                later(self.timeout - ran, self._give_up, event.environment, event)

    def _may_start(self) -> bool:
        """Whether another environment may start. Without any, there is no version that must be kept."""
        return self._count + len(self._given_up) < self._limit and (not self._count or self._unchanged())

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
            "without --in-process, such handlers are ended"
        )

    def _load_again(self) -> LoadedFunction:
        """Loads the same version again. Raises _Outdated if the files changed during that."""
        try:
            loaded = as_broken(self._load)
        except Exception:
            if self._unchanged():
                raise
            raise _Outdated from None
        if not self._unchanged():
            loaded.close()
            raise _Outdated
        return loaded

    def _start_missing(self) -> None:
        """Starts environments for the events that wait, a few at a time. Raises BrokenHandler if none can start."""
        while self.waiting > self._loading and self._loading < _LOADING_AT_ONCE and self._may_start():
            try:
                worker = Worker("loading")
            except RuntimeError as error:
                raise BrokenHandler(f"no execution environment can start: {error}") from None
            started = _Environment()
            load = self._load_again if self._count else partial(as_broken, self._load)
            worker.do(partial(started.load, load)).add_done_callback(partial(self._loaded, started))
            worker.end()
            self._count += 1
            self._loading += 1
            self._busy.add(started)

    def _loaded(self, environment: _Environment, loading: "asyncio.Future[None]") -> None:
        """Gives an environment to the events. If it could not load the function, the first event that waits fails."""
        self._loading -= 1
        problem = loading.exception()
        if environment.given_up:
            self._ended(environment)
            return
        self._keeps(environment)
        if isinstance(problem, Exception) and not isinstance(problem, _Outdated) and self.waiting:
            _fail(self._events.popleft(), problem)
        self._begin_waiting()
        self._continue()

    def _keeps(self, environment: _Environment) -> bool:
        """Keeps an environment for the next event, if it has a function that has not ended."""
        self._busy.discard(environment)
        if environment.function is None or environment.function.ended:
            self._drop(environment)
            return False
        self._idle.append(environment)
        return True

    def _drop(self, environment: _Environment) -> None:
        self._count -= 1
        environment.close()

    def _give_up(self, environment: _Environment, event: _Event | None = None) -> None:
        """Gives up an environment, unless it has answered this event already."""
        if environment.given_up or not environment.runs(event):
            return
        environment.given_up = True
        self._count -= 1
        self._busy.discard(environment)
        self._given_up[environment] = monotonic() if event is None else event.began
        environment.kill()
        self._continue()

    def _ended(self, environment: _Environment) -> None:
        """An environment that was given up has ended its work."""
        del self._given_up[environment]
        environment.close()
        self._continue()

    def _continue(self) -> None:
        """Does what is possible now that an environment has loaded or ended."""
        self._look_at_waiting()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self._closed and not self._invocations:
            while self._idle:
                self._drop(self._idle.pop())
            for environment in list(self._busy):
                self._give_up(environment, environment.event)


def _fail(event: _Event, error: BaseException) -> None:
    """Fails an event, unless its caller does not wait any more."""
    if not event.answer.done():
        event.answer.set_exception(error)
