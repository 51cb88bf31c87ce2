"""Captures what one thread writes to standard output, while other threads go on writing to it.

Only what the capturing thread writes is captured. `sys.stdout` is replaced while there is a capture, and put back after
the last one. The replacement looks for the writing thread's capture at each write, because a handler may keep the
`sys.stdout` that it found when it loaded.
"""

import io
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

_MOST_OUTPUT = 1024 * 1024
"""Characters that one capture keeps, so that a function that prints without end does not fill the memory."""

_capturing_lock = threading.Lock()
_captures = 0
_output: "_ThreadOutput | None" = None
"""The last one. It is kept, because another thread can still print to it: `print` itself holds no reference to it in
CPython 3.11, and the process would crash."""
_capturing = threading.local()
"""Holds the capture of each thread."""


class Capture:
    """The text that one thread printed."""

    def __init__(self) -> None:
        self._text = io.StringIO()

    def write(self, text: str) -> int:
        """Keeps a text, up to the limit."""
        self._text.write(text[: _MOST_OUTPUT - self._text.tell()])
        return len(text)

    def text(self) -> str:
        """The text that was kept."""
        return self._text.getvalue()


class _ThreadOutput:
    """A standard output that writes to the capture of the writing thread, if it has one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes to the thread's capture, or to the original standard output."""
        self.write("".join(lines))

    def write(self, text: str) -> int:
        """Writes to the thread's capture, or to the original standard output."""
        capture = _current()
        return self.stream.write(text) if capture is None else capture.write(text)

    def close(self) -> None:
        """Closes the original standard output, but not for a handler: all threads use it."""
        if _current() is None:
            self.stream.close()

    def flush(self) -> None:
        """Flushes the original standard output."""
        if _current() is None:
            self.stream.flush()


@contextmanager
def captured_output() -> Iterator[Capture]:
    """Captures what this thread writes to standard output."""
    capture, before = Capture(), _current()
    output = _install()
    _capturing.capture = capture
    try:
        yield capture
    finally:
        _capturing.capture = before
        _uninstall(output)


def _current() -> Capture | None:
    found: Capture | None = getattr(_capturing, "capture", None)
    return found


def _install() -> _ThreadOutput:
    global _captures, _output  # noqa: PLW0603 (sys.stdout is global, too)
    with _capturing_lock:
        _captures += 1
        if isinstance(sys.stdout, _ThreadOutput):
            return sys.stdout
        if _output is None or _output.stream is not sys.stdout:
            _output = _ThreadOutput(sys.stdout)
        sys.stdout = _output
        return _output


def _uninstall(output: _ThreadOutput) -> None:
    global _captures  # noqa: PLW0603
    with _capturing_lock:
        _captures -= 1
        if _captures == 0 and sys.stdout is output:
            sys.stdout = output.stream
