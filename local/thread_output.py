"""What a function prints in one thread, while others print elsewhere."""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_lock = threading.Lock()
_captures = 0


class _ThreadOutput(io.TextIOBase):
    """A standard output that goes to a buffer of the writing thread's, where it has one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.buffers = threading.local()

    def write(self, text: str) -> int:
        """Writes to the thread's buffer, or to what standard output was."""
        buffer: io.StringIO | None = getattr(self.buffers, "buffer", None)
        return self.stream.write(text) if buffer is None else buffer.write(text)

    def flush(self) -> None:
        """Flushes what standard output was."""
        if getattr(self.buffers, "buffer", None) is None:
            self.stream.flush()


@contextmanager
def captured_output() -> Iterator[io.StringIO]:
    """Collects what this thread writes to standard output. Other threads write on."""
    buffer = io.StringIO()
    output = _install()
    output.buffers.buffer = buffer
    try:
        yield buffer
    finally:
        output.buffers.buffer = None
        _uninstall(output)


def _install() -> _ThreadOutput:
    global _captures  # noqa: PLW0603 (standard output is global, too)
    with _lock:
        _captures += 1
        if not isinstance(sys.stdout, _ThreadOutput):
            sys.stdout = _ThreadOutput(sys.stdout)
        return sys.stdout


def _uninstall(output: _ThreadOutput) -> None:
    global _captures  # noqa: PLW0603
    with _lock:
        _captures -= 1
        if _captures == 0 and sys.stdout is output:
            sys.stdout = output.stream
