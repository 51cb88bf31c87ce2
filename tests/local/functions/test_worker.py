"""A thread for work that may hang."""

import asyncio
import sys
import threading

import pytest

from iot_core.functions.worker import Worker
from tests.event_loop import in_event_loop
from tests.local.harness.channels import PATIENCE


@in_event_loop
async def test_work_is_done_in_its_order_and_its_result_or_exception_is_passed_on() -> None:
    worker = Worker("test")
    numbers = iter(range(2))
    first, second = worker.do(lambda: next(numbers)), worker.do(lambda: next(numbers))
    assert (await first, await second) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        await worker.do(lambda: 1 / 0)
    with pytest.raises(RuntimeError, match="SystemExit in a thread"):
        await worker.do(sys.exit)
    worker.end()


@in_event_loop
async def test_work_whose_caller_stopped_waiting_is_done_without_effect_on_the_loop() -> None:
    release = threading.Event()

    worker = Worker("test")
    worker.do(release.wait).cancel()
    failing = worker.do(lambda: 1 / 0)
    failing.cancel()
    last = worker.do(lambda: "done")
    release.set()
    assert await last == "done"
    worker.end()


def test_the_thread_ends_after_its_work() -> None:
    async def work() -> threading.Thread:
        worker = Worker("test")
        thread = await worker.do(threading.current_thread)
        worker.end()
        return thread

    thread = asyncio.run(work())
    thread.join(PATIENCE)
    assert not thread.is_alive()
