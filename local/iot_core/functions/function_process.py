"""The process of an isolated function: started, also ahead of its function, and ended.

Rules:
- It is a new interpreter in a session of its own, which runs `function_program.py`. Standard input and output lead
  nowhere; standard error is that of this process.
- Its end is SIGKILL, to its whole process group. If this process ends, the other notices the end of a pipe, and ends
  its process group itself.
- A process can be started ahead. It imports what most handlers import while this process still starts. For that, this
  module imports little.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

_PROGRAM = "iot_core.functions.function_program"


class FunctionProcess:
    """A process that waits for the handler that it is to load."""

    def __init__(self, modules: Sequence[str] = ()) -> None:
        """Starts the process, which imports `modules` meanwhile. Raises OSError if the system cannot start one."""
        self.channel, theirs = socket.socketpair()
        alive, mine = os.pipe()
        self._alive = os.fdopen(mine)
        with theirs, os.fdopen(alive):
            files = [theirs.fileno(), alive]
            try:
                self._process = subprocess.Popen(  # noqa: S603 (no shell)
                    [sys.executable, "-I" if sys.flags.isolated else "-P", "-m", _PROGRAM, *map(str, files), *modules],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=files,
                    start_new_session=True,
                )
            except OSError:  # Perhaps no file can be opened: none waits for the garbage collector.
                self.channel.close()
                self._alive.close()
                raise
        self.ended = False

    def kill(self) -> None:
        """Ends the process and what it forked."""
        if self.ended:
            return
        self.ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, if it has ended.
            os.killpg(self._process.pid, signal.SIGKILL)  # It was not waited for: the number is still its own.

    def wait(self) -> int:
        """Waits for the process, which was killed, and closes what leads to it. Returns its return code."""
        self.channel.close()
        self._alive.close()
        return self._process.wait()


_ahead: list[FunctionProcess] = []
"""The process that was started ahead, until a function takes it."""


@contextlib.contextmanager
def started_ahead(modules: Sequence[str]) -> Iterator[None]:
    """Starts the process of the next function, which imports these modules meanwhile. At the end, it ends if unused."""
    with contextlib.suppress(OSError):  # The function that needs a process starts one, and fails then.
        _ahead.append(FunctionProcess(modules))
    try:
        yield
    finally:
        while _ahead:
            unused = _ahead.pop()
            unused.kill()
            unused.wait()


def take_process() -> FunctionProcess:
    """The process that was started ahead, or a new one. Raises OSError if the system cannot start one."""
    try:
        return _ahead.pop()
    except IndexError:
        return FunctionProcess()
