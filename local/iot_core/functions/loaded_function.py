"""A Lambda function that was loaded once, as an execution environment runs it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from iot_core.functions.lambda_function import Invocation


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
