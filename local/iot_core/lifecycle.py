"""Starts and stops a service on the caller's event loop, or on an event loop in a new thread."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

Result = TypeVar("Result")


class Lifecycle(ABC):
    """A service that `async with` runs on the caller's event loop, and `with` on an event loop in a thread."""

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    """Makes the event loop of the thread; the default is asyncio's."""
    _thread: "_Thread | None" = None

    @abstractmethod
    async def start(self) -> None:
        """Starts it."""

    @abstractmethod
    async def stop(self) -> None:
        """Stops it."""

    def call(self, work: Callable[[], Result]) -> Result:
        """Calls a function on the event loop of the thread. Only this and `run` are safe to use from other threads.

        `core.call(lambda: core.broker.publish(message))` publishes. Raises what the function raises.
        """

        async def do() -> Result:
            return work()

        return self.run(do)

    def run(self, work: Callable[[], Coroutine[None, None, Result]]) -> Result:
        """Runs a coroutine function on the event loop of the thread, and waits for its result.

        Raises what the coroutine raises.
        """
        if self._thread is None:
            raise RuntimeError("not started in a thread: use `with`")
        return self._thread.run(work)

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
    """A thread with an event loop. It is a daemon: if it hangs, the process can still end."""

    def __init__(self, service: Lifecycle) -> None:
        self._service = service
        self._started: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="iot-core", daemon=True)

    def begin(self) -> None:
        """Starts the service, and waits until it is started. Raises what `start` raises."""
        self._thread.start()
        self._started.result()

    def run(self, work: Callable[[], Coroutine[None, None, Result]]) -> Result:
        """Runs a coroutine function on the event loop. Raises what the coroutine raises."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def end(self) -> None:
        """Stops the service, and waits until it is stopped. Raises what `stop` raises."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._service.loop_factory) as runner:
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001 (`begin` or `end` raises it)
            (self._ended if self._started.done() else self._started).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        async with self._service:
            self._started.set_result(None)
            await self._stopped.wait()
