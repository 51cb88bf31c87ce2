"""One execution environment of a Lambda function: a thread with a function that it loaded itself.

- It runs one event at a time, of those that wait.
- A function whose process has ended is loaded again for the next event.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.worker import Result, Worker, fail, succeed
from iot_policies import InvalidFile


class Outdated(Exception):
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


class PendingEvent:
    """An event, from `invoke` to its answer."""

    __slots__ = ("answer", "began", "content", "environment", "impatient")

    def __init__(self, content: Mapping[str, object], answer: "asyncio.Future[Invocation]") -> None:
        self.content = content
        self.answer = answer
        self.environment: Environment | None = None
        """The environment that got it; None while it waits."""
        self.began = 0.0
        """When it got the environment, in seconds; 0 while it waits."""
        self.impatient = False
        """Whether it has waited for so long that another environment starts."""

    def succeed(self, invocation: Invocation) -> None:
        """Answers it, if its caller still waits."""
        succeed(self.answer, invocation)

    def fail(self, error: Exception) -> None:
        """Ends it with an exception, if its caller still waits."""
        fail(self.answer, error)


class Environment:
    """A thread with its function."""

    def __init__(self, load: Load, loaded: LoadedFunction | None = None) -> None:
        """Starts the thread. Without `loaded`, it loads the function before its first event."""
        self.event: PendingEvent | None = None
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

    def outcome(self, event: PendingEvent) -> Invocation | Exception:
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


def _as_broken(work: Callable[[], Result]) -> Result:
    """Does what can fail by the handler's code. Raises BrokenHandler, InvalidFile, Outdated."""
    try:
        return work()
    except (BrokenHandler, InvalidFile, Outdated):
        raise
    except BaseException as error:  # Also StopIteration, which no future accepts, and SystemExit.
        raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error
