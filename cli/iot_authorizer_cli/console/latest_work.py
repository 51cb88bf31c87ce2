"""Work on the template in force that takes seconds, such as a proof.

- It runs in a worker thread when it is asked for, once for each template, and takes a bounded time of the processor: a
  busy machine changes no result.
- Requests about one template share the work. A newer template gives up the work on an older one, and requests that
  wait for that get the result of the newer one.
- If all requests are given up, for example because IoT Core on this machine stops, the work is given up, too.
- Work that is given up ends soon: its clock says that the time is over.
- Works with the same `turn` run one after the other, since each takes time of the interpreter from MQTT.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from anyio import to_thread

from iot_policies import PolicyTemplate
from iot_policies.proofs.bounded import Clock

Result = TypeVar("Result")


class LatestWork(Generic[Result]):
    """Does something with the newest template that was asked about, and keeps the result."""

    def __init__(self, work: Callable[[PolicyTemplate, Clock], Result], turn: asyncio.Lock) -> None:
        """`work` ends soon after the clock, which gives seconds of its own thread, says that its time is over."""
        self._work = work
        self._turn = turn
        self._template: PolicyTemplate | None = None
        self._task: asyncio.Task[Result] | None = None
        self._waiting = 0

    async def of(self, template: PolicyTemplate) -> Result:
        """The result for a template, or for a newer one that is asked about meanwhile."""
        if self._task is None or self._template is not template:
            self._give_up()
            self._template = template
            self._task = asyncio.get_running_loop().create_task(in_turn(partial(self._work, template), self._turn))
        self._waiting += 1
        try:
            while True:
                task = self._task
                await asyncio.wait([task])
                if task is self._task:
                    return task.result()
        finally:
            self._waiting -= 1
            if not self._waiting and not self._task.done():
                self._give_up()

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = None


async def in_turn(work: Callable[[Clock], Result], turn: asyncio.Lock) -> Result:
    """Does bounded work in a thread, when it has the turn. If it is cancelled, the work is given up."""
    given_up = threading.Event()

    def clock() -> float:
        return math.inf if given_up.is_set() else time.thread_time()

    try:
        async with turn:
            return await to_thread.run_sync(work, clock, abandon_on_cancel=True)
    finally:
        given_up.set()
