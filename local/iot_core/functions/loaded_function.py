"""A Lambda function that was loaded once, as an execution environment runs it."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.functions.worker import Result, Worker
from iot_policies import InvalidFile


class LoadedFunction(Protocol):
    """A function that was loaded once: in a thread of this process, or in a process of its own.

    It belongs to the event loop of its first event. `kill` and `close` need no event loop before that.
    """

    @property
    def ended(self) -> bool:
        """Whether it has ended, so that it cannot be invoked any more."""

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the handler on an event, after the earlier one. The future gets the answer, or BrokenHandler."""

    def kill(self) -> None:
        """Ends it if it can be ended while it runs an event, which fails then. Does not wait."""

    def close(self) -> None:
        """Ends it after its event. Does not wait."""


Load = Callable[[], LoadedFunction]
"""Loads the function. Raises BrokenHandler, InvalidFile. It may block."""


class ThreadFunction:
    """A function of this process that runs in a thread. A thread cannot be ended from outside."""

    ended = False

    def __init__(self, invoke: Callable[[Mapping[str, object]], Invocation]) -> None:
        """Starts the thread, which calls `invoke` for each event. Raises BrokenHandler if no thread is left."""
        self._invoke = invoke
        try:
            self._worker = Worker("lambda")
        except RuntimeError as error:
            raise BrokenHandler(f"no execution environment can start: {error}") from None

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the handler on an event, after the earlier one. The future gets the answer, or BrokenHandler."""
        return self._worker.do(partial(as_broken, partial(self._invoke, event)))

    def kill(self) -> None:
        """Ends the thread after its event, as nothing can end it before."""
        self._worker.end()

    def close(self) -> None:
        """Ends the thread after its event."""
        self._worker.end()


def as_broken(work: Callable[[], Result]) -> Result:
    """Does what can fail by the handler's code. Raises BrokenHandler, InvalidFile."""
    try:
        return work()
    except (BrokenHandler, InvalidFile):
        raise
    except BaseException as error:  # Also StopIteration, which no future accepts, and SystemExit.
        raise BrokenHandler(f"the handler raised {type(error).__name__}: {error}") from error
