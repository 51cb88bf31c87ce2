"""Answers of the Lambda that wait until a test releases them."""

import threading

from tests.local.harness.channels import PATIENCE
from tests.local.harness.function import Event, allow
from tests.local.harness.running import Running


class Gate:
    """The Lambda's answers wait for `open`, which says whether the client is authenticated."""

    def __init__(self, running: Running) -> None:
        self._answers: list[threading.Event] = []
        self._reached = threading.Semaphore(0)
        self._allowed: list[bool] = []
        running.function.answer = self._wait

    def _wait(self, _: Event) -> object:
        event, index = threading.Event(), len(self._answers)
        self._answers.append(event)
        self._allowed.append(True)
        self._reached.release()
        assert event.wait(PATIENCE)
        return allow(isAuthenticated=self._allowed[index])

    def reached(self) -> None:
        """Waits until one more answer waits."""
        assert self._reached.acquire(timeout=PATIENCE)

    def open(self, index: int, *, allowed: bool = True) -> None:
        """Releases an answer, counted from 0."""
        self._allowed[index] = allowed
        self._answers[index].set()
