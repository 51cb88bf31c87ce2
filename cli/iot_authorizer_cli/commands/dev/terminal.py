"""Lines on standard error, which may be a pipe that nobody reads."""

import contextlib
import os
import select
import sys
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Self

_MOST = 1000
"""Lines that wait to be printed."""
_PATIENCE = 1.0
"""Seconds that the end waits for what is still to be printed."""


class Terminal:
    """Prints in a thread of its own: a pipe that is full stops that thread, and nothing else."""

    def __init__(self) -> None:
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def print(self, line: str) -> None:
        """Prints a line soon. One for which there is no room is dropped, and the next one says so."""
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
        """Waits until all is printed, though not for long."""
        self._tell_dropped()
        self._lines.put(None)
        self._thread.join(_PATIENCE)

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._lines.put(f"{self._dropped} lines were dropped: standard error was not read")
        self._dropped = 0

    def _run(self) -> None:
        """Prints until the end, or until nobody is there any more."""
        with contextlib.suppress(OSError):
            while (line := self._lines.get()) is not None:
                _write(f"{line}\n".encode(sys.stderr.encoding, "backslashreplace"))


def _write(chunk: bytes) -> None:
    """Writes to standard error past `sys.stderr`, whose lock Python wants at its end, when a write may still hang."""
    file = sys.stderr.fileno()
    while chunk:
        try:
            chunk = chunk[os.write(file, chunk) :]
        except BlockingIOError:  # Another program at the same terminal has set it so.
            select.select([], [file], [])
