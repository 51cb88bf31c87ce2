"""Something that is started and stopped on an event loop: the caller's, or one in a thread of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

Result = TypeVar("Result")


class Running(ABC):
    """`async with` runs it on the caller's event loop, `with` on one in a thread, for callers that block."""

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    """Makes the event loop of the thread; asyncio's own unless it is set."""
    _thread: "_Thread | None" = None

    @abstractmethod
    async def start(self) -> None:
        """Starts it."""

    @abstractmethod
    async def stop(self) -> None:
        """Stops it."""

    def call(self, work: Callable[[], Result]) -> Result:
        """Does something on the event loop of the thread: nothing else here is safe from other threads.

        `core.call(lambda: core.broker.publish(message))` publishes. Raises what it raises.
        """
        if self._thread is None:
            raise RuntimeError("there is no thread: `with` begins one")
        return self._thread.call(work)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        thread = _Thread(self)
        thread.begin()
        self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()


class _Thread:
    """A thread with an event loop. It is a daemon: one that hangs keeps no process."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._started: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="iot-core", daemon=True)

    def begin(self) -> None:
        """Waits for the start. Raises what the start raises."""
        self._thread.start()
        self._started.result()

    def call(self, work: Callable[[], Result]) -> Result:
        """Does something on the event loop. Raises what it raises."""

        async def do() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result()

    def end(self) -> None:
        """Waits for the end. Raises what the end raises."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._running.loop_factory) as runner:
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001 (it goes to who begins, or ends)
            (self._ended if self._started.done() else self._started).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        async with self._running:
            self._started.set_result(None)
            await self._stopped.wait()
