"""Prints lines on standard error, which may be a pipe that nobody reads."""

import contextlib
import os
import select
import sys
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Self

_MOST = 1000
"""Lines that may wait."""
_PATIENCE = 1.0
"""Seconds to wait at the end for lines that are still waiting."""


class Terminal:
    """Prints in its own thread: a full pipe blocks only that thread."""

    def __init__(self) -> None:
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def print(self, line: str) -> None:
        """Queues a line. If the queue is full, the line is dropped, and the next line says so."""
        if self._lines.qsize() >= _MOST:
            self._dropped += 1
            return
        self._tell_dropped()
        self._lines.put(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits a short time until all lines are printed."""
        self._tell_dropped()
        self._lines.put(None)
        self._thread.join(_PATIENCE)

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._lines.put(f"{self._dropped} lines were dropped: standard error was not read")
        self._dropped = 0

    def _run(self) -> None:
        """Prints until the end, or until the reader is gone."""
        with contextlib.suppress(OSError):
            while (line := self._lines.get()) is not None:
                _write(f"{line}\n".encode(sys.stderr.encoding, "backslashreplace"))


def _write(chunk: bytes) -> None:
    """Writes without the lock of `sys.stderr`: Python takes it when it exits, while this write may block."""
    file = sys.stderr.fileno()
    while chunk:
        try:
            chunk = chunk[os.write(file, chunk) :]
        except BlockingIOError:  # Another program at the same terminal made it non-blocking.
            select.select([], [file], [])
