"""Answers within a time: no socket's time-out bounds a server that sends a byte now and then."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What a function answers, or raises. Raises TimeoutError where that takes longer: nobody waits for it any more."""
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except Exception as error:  # noqa: BLE001 (whatever it is, it is handed over)
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future.result(seconds)
