"""A Lambda function in a process of its own, which can be ended at any moment, as Lambda ends an environment.

Rules:
- The process is a new interpreter in a session of its own. It loads the handler once, then runs one event at a time.
- Both sides exchange JSON over one socket pair. Standard input and output lead nowhere: what a handler does to them
  disturbs nothing. Standard error is that of `dev`.
- The function ends by SIGKILL, to its whole process group. If its process exits by itself, crashes, closes the socket
  or sends anything unexpected, the event fails, and the function is ended.
- A process that the handler forks cannot answer: the socket is closed in it.
- If `dev` itself ends, the process notices the end of the socket, and ends its process group.
"""

import contextlib
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, cast

from iot_core.functions.lambda_function import LOADING_TIME, TIMEOUT, BrokenHandler, Invocation, LambdaFunction
from iot_policies import InvalidFile
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion

_LENGTH = struct.Struct("!I")
_MOST = 16 * 1024 * 1024
"""Bytes of a message: an answer has at most 6 MB, and a log line one million characters."""

_Message = dict[str, object]


class IsolatedFunction:
    """A handler that was loaded once, in a process of its own."""

    def __init__(
        self,
        handler: str,
        *,
        folder: Path | None = None,
        place: AccountRegion = EXAMPLE_PLACE,
        arn: str | None = None,
        timeout: float = TIMEOUT,
        environment: Mapping[str, str] | None = None,
        loading_time: float = LOADING_TIME,
    ) -> None:
        """Starts the process and waits until it has loaded a handler of a folder, at most `loading_time` seconds.

        `place`, `arn` and `timeout` are as for a LambdaFunction. The process has the environment variables
        `environment` besides those of this process. Raises BrokenHandler, InvalidFile for a wrong configuration,
        OSError if the system cannot start a process.
        """
        self._handler = handler
        self._ending = threading.Lock()
        self._ended = False
        self._count = 0
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 (no shell)
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._channel.settimeout(loading_time)
        try:
            directory = str(Path.cwd() if folder is None else folder)
            context = {"place": place, "arn": arn, "timeout": timeout}
            self._exchange({"path": sys.path, "handler": handler, "folder": directory, **context})
        except TimeoutError:
            self.close()
            raise BrokenHandler(f"{handler} did not load within {loading_time:g} seconds") from None
        except BaseException:
            self.close()
            raise
        self._channel.settimeout(None)

    def invoke(self, event: Mapping[str, object]) -> Invocation:
        """Runs the handler on an event. Raises BrokenHandler, also if the process ends or `kill` ends it meanwhile."""
        self._count += 1
        found = self._exchange({"number": self._count, "event": event})
        if found.get("number") != self._count:
            self.close()
            raise BrokenHandler("the handler's process sent an answer to another event")
        answer, decision = cast("_Message", found["answer"]), cast("_Message", found["decision"])
        return Invocation(answer, decision, str(found["output"]))

    @property
    def ended(self) -> bool:
        """Whether it cannot be invoked any more."""
        return self._ended

    def kill(self) -> None:
        """Ends the process and what it forked. Any thread may call it, also during `invoke`, which fails then."""
        with self._ending:
            if self._ended:
                return
            self._ended = True
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, if it has ended.
                os.killpg(self._process.pid, signal.SIGKILL)  # It was not waited for: the number is still its own.

    def close(self) -> None:
        """Ends the process and what it forked, and waits for the process."""
        self.kill()
        self._channel.close()
        self._process.wait()

    def _exchange(self, message: _Message) -> _Message:
        """Sends a message and returns the answer. Raises BrokenHandler, InvalidFile, TimeoutError while it loads."""
        try:
            _send(self._channel, message)
            found = _receive(self._channel)
        except TimeoutError:
            raise
        except (OSError, ValueError):
            found = None
        if found is None:
            cause = "was ended" if self._ended else None
            self.close()
            cause = cause or _end_of(self._process.returncode)
            raise BrokenHandler(f"{self._handler}: the process of the handler {cause}")
        if isinstance(invalid := found.get("invalid_file"), list):
            raise InvalidFile(*invalid)
        if "broken" in found:
            broken = BrokenHandler(str(found["broken"]))
            broken.output = str(found.get("output", ""))
            raise broken
        return found


def _end_of(code: int) -> str:
    """How a process ended, by its return code."""
    if code >= 0:
        return f"exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"closed its connection to IoT Core, or was ended by {name}" if name == "SIGKILL" else f"was ended by {name}"


def _send(channel: socket.socket, message: _Message) -> None:
    content = json.dumps(message).encode()
    channel.sendall(_LENGTH.pack(len(content)) + content)


def _receive(channel: socket.socket) -> _Message | None:
    """The next message; None at the end. Raises ValueError if it is not a message."""
    head = _receive_bytes(channel, _LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > _MOST:
        raise ValueError("the message is too long")
    content = _receive_bytes(channel, length)
    found = json.loads(content) if len(content) == length else None
    return found if isinstance(found, dict) else None


def _receive_bytes(channel: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count and (chunk := channel.recv(min(count - len(received), 65536))):
        received += chunk
    return bytes(received)


# The other side, in the process.


def _run(channel: socket.socket) -> NoReturn:
    """Loads the handler of the first message, and answers one event after the other."""
    os.set_inheritable(channel.fileno(), False)
    os.register_at_fork(after_in_child=channel.close)
    messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(channel, messages), daemon=True).start()
    first = messages.get()
    sys.path[:] = cast("list[str]", first["path"])
    answer, function = _load(first)
    while True:
        try:
            _send(channel, answer)
        except OSError:  # This is a forked process, or the handler has closed the socket.
            os._exit(1)
        if function is None:
            os._exit(0)
        answer = _answer(function, messages.get())


def _read(channel: socket.socket, messages: "queue.SimpleQueue[_Message]") -> None:
    """Reads all messages. At the end, IoT Core itself has ended: ends this process and what it forked."""
    with contextlib.suppress(OSError, ValueError):
        while (message := _receive(channel)) is not None:
            messages.put(message)
    os.killpg(0, signal.SIGKILL)


def _load(first: _Message) -> tuple[_Message, LambdaFunction | None]:
    try:
        place = AccountRegion(*cast("list[str]", first["place"]))
        function = LambdaFunction(
            str(first["handler"]),
            folder=Path(str(first["folder"])),
            place=place,
            arn=cast("str | None", first["arn"]),
            timeout=cast("float", first["timeout"]),
        )
    except InvalidFile as error:
        return {"invalid_file": [error.path, error.line, error.key, error.expected]}, None
    except BaseException as error:  # noqa: BLE001 (the other side raises it)
        return {"broken": str(error) if isinstance(error, BrokenHandler) else f"{type(error).__name__}: {error}"}, None
    return {"loaded": True}, function


def _answer(function: LambdaFunction, message: _Message) -> _Message:
    try:
        invocation = function.invoke(cast("Mapping[str, object]", message["event"]))
    except BrokenHandler as error:
        return {"broken": str(error), "output": error.output}
    except BaseException as error:  # noqa: BLE001 (the other side raises it)
        return {"broken": f"the handler raised {type(error).__name__}: {error}"}
    answer, decision, output = invocation
    return {"number": message["number"], "answer": answer, "decision": dict(decision), "output": output}


if __name__ == "__main__":
    _run(socket.socket(fileno=int(sys.argv[1])))
