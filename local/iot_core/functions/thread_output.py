"""What a function prints in one thread, while others print elsewhere."""

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_MOST = 1024 * 1024
"""Characters that are kept of one capture: a function that prints without end fills no memory."""

_lock = threading.Lock()
_captures = 0
_capturing = threading.local()
"""Each thread's capture, for all outputs: a handler may keep the output that it found when it loaded."""


class Capture:
    """What one thread prints."""

    def __init__(self) -> None:
        self._text = io.StringIO()

    def write(self, text: str) -> int:
        """Keeps a text, as far as there is room."""
        self._text.write(text[: _MOST - self._text.tell()])
        return len(text)

    def text(self) -> str:
        """All that was kept."""
        return self._text.getvalue()


class _ThreadOutput(io.TextIOBase):
    """A standard output that goes to the writing thread's capture, where it has one."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # (a plain attribute in typeshed)
        """As what standard output was."""
        return self.stream.encoding

    def isatty(self) -> bool:
        """As what standard output was."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """As what standard output was."""
        return self.stream.fileno()

    def write(self, text: str) -> int:
        """Writes to the thread's capture, or to what standard output was."""
        capture = _current()
        return self.stream.write(text) if capture is None else capture.write(text)

    def flush(self) -> None:
        """Flushes what standard output was."""
        if _current() is None:
            self.stream.flush()


@contextmanager
def captured_output() -> Iterator[Capture]:
    """Collects what this thread writes to standard output. Other threads write on."""
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
