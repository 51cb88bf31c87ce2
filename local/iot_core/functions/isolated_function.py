"""A Lambda function in a process of its own, which can be ended at any moment, as Lambda ends an environment.

Rules:
- The process loads the handler once, then runs one event at a time.
- Both sides exchange lines of JSON over one socket pair. Standard input and output lead nowhere: what a handler does to
  them disturbs nothing. Standard error is that of `dev`.
- No thread waits for an answer: the event loop reads it. The function's work takes no time from the event loop.
- The function ends by SIGKILL, to its whole process group. If its process exits by itself, crashes, closes the socket
  or sends anything unexpected, the event fails, and the function is ended.
- A process that the handler forks cannot answer: the socket is closed in it.
"""

import asyncio
import json
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from iot_core.functions.function_process import take_process
from iot_core.functions.function_program import CHUNK, Message
from iot_core.functions.lambda_function import LOADING_TIME, TIMEOUT, BrokenHandler, Invocation
from iot_core.functions.worker import Worker
from iot_policies import InvalidFile
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion

_MOST = 20 * 1024 * 1024
"""Bytes of a line: an answer has at most 6 MB, and a log line one million characters, each of up to 12 bytes."""

_Running = asyncio.Future[Invocation]


class IsolatedFunction:
    """A handler that was loaded once, in a process of its own."""

    def __init__(
        self,
        handler: str,
        *,
        called: str | None = None,
        folder: Path | None = None,
        place: AccountRegion = EXAMPLE_PLACE,
        arn: str | None = None,
        timeout: float = TIMEOUT,
        environment: Mapping[str, str] | None = None,
        loading_time: float = LOADING_TIME,
    ) -> None:
        """Starts the process and waits until it has loaded a handler of a folder, at most `loading_time` seconds.

        `called`, `place`, `arn` and `timeout` are as for a LambdaFunction. The process has the environment variables
        `environment` besides those of this process. Raises BrokenHandler, also if the system cannot start a process,
        and InvalidFile for a wrong configuration.
        """
        self._called = called or handler
        try:
            self._process = take_process()
        except OSError as error:
            raise BrokenHandler(f"no execution environment can start: {error}") from None
        self._channel = self._process.channel
        self._received = bytearray()
        self._count = 0
        self._running: _Running | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsent = b""
        self._channel.settimeout(loading_time)
        directory = str(Path.cwd() if folder is None else folder)
        context = {"place": place, "arn": arn, "timeout": timeout, "environment": dict(environment or {})}
        try:
            named = {"handler": handler, "called": self._called}
            _raise_if_broken(self._load({"path": sys.path, **named, "folder": directory, **context}))
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self._channel.setblocking(False)

    @property
    def ended(self) -> bool:
        """Whether it cannot be invoked any more."""
        return self._process.ended or (self._loop is None and self._is_disconnected())

    def invoke(self, event: Mapping[str, object]) -> "asyncio.Future[Invocation]":
        """Runs the handler on an event, after the earlier one. The future gets the answer.

        It gets BrokenHandler if the handler fails, or if its process ends or `kill` ends it meanwhile.
        """
        loop = asyncio.get_running_loop()
        running: _Running = loop.create_future()
        if self.ended:
            running.set_exception(self._lost(None))
            return running
        try:
            self._unsent = json.dumps(event).encode() + b"\n"
        except (TypeError, ValueError, RecursionError) as error:
            running.set_exception(BrokenHandler(f"the event is not JSON: {error}"))
            return running
        self._running = running
        self._count += 1
        if self._loop is None:
            self._loop = loop
            loop.add_reader(self._channel, self._read)
        self._write()
        if self._unsent:
            loop.add_writer(self._channel, self._write)
        return running

    def kill(self) -> None:
        """Ends the process and what it forked; its event fails. Does not wait."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process and what it forked. Does not wait."""
        self._process.kill()
        self._leave_loop()
        try:
            threading.Thread(target=self._process.wait, name="ending", daemon=True).start()
        except RuntimeError:  # The system has no thread left. The process was killed: it ends at once.
            self._process.wait()

    def _load(self, first: Message) -> Message:
        """Lets the process load the handler, and waits for its word. Raises BrokenHandler."""
        found = None
        try:
            self._channel.sendall(json.dumps(first).encode() + b"\n")
            while found is None and (chunk := self._channel.recv(CHUNK)):
                found = self._message(chunk)
        except TimeoutError:
            seconds = self._channel.gettimeout()
            raise BrokenHandler(f"{self._called} did not load within {seconds:g} seconds") from None
        except (OSError, ValueError):
            pass
        if found is None:
            self._process.kill()
            raise self._lost(self._process.wait())
        return found

    def _is_disconnected(self) -> bool:
        """Whether the process has closed the socket. Before the first event, no event loop notices it."""
        try:
            return not self._channel.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return not isinstance(error, BlockingIOError)

    # Everything from here on happens in the event loop.

    def _write(self) -> None:
        """Sends what it can of an event."""
        try:
            self._unsent = self._unsent[self._channel.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:  # The process has ended, which the reader notices, too.
            self._unsent = b""
        if not self._unsent and self._loop is not None:
            self._loop.remove_writer(self._channel)

    def _read(self) -> None:
        """Takes what the process sends. Its end, and anything unexpected, ends the function."""
        try:
            chunk = self._channel.recv(CHUNK)
            message = self._message(chunk) if chunk else None
        except BlockingIOError:
            return
        except (OSError, ValueError):
            chunk = b""
        if not chunk:
            self._end()
        elif message is not None:
            self._answered(message)

    def _message(self, chunk: bytes) -> Message | None:
        """The message that ends with a chunk; None if more follows. Raises ValueError if it is not a message."""
        self._received += chunk
        if len(self._received) > _MOST:
            raise ValueError("the message is too long")
        if not chunk.endswith(b"\n"):
            return None
        try:
            message = json.loads(self._received)
        except RecursionError:
            message = {"number": self._count, "broken": "the handler's answer or log line is nested too deeply"}
        self._received.clear()
        if not isinstance(message, dict):
            raise ValueError("expected an object")
        return message

    def _answered(self, message: Message) -> None:
        running = self._running
        if running is None or message.get("number") != self._count:
            self._end()
            return
        try:
            invocation = _invocation(message)
        except (BrokenHandler, InvalidFile) as error:
            running.set_exception(error)
        except (KeyError, TypeError):
            self._end()
            return
        else:
            running.set_result(invocation)
        self._running = None

    def _end(self) -> None:
        """Ends the process. Once it has ended, its event fails."""
        was_ended = self.ended
        self._process.kill()
        self._leave_loop()
        try:
            waiting = Worker("ending")
        except RuntimeError:  # As in `close`.
            code = self._process.wait()
            self._fail(None if was_ended else code)
            return
        ended = waiting.do(self._process.wait)
        ended.add_done_callback(lambda found: self._fail(None if was_ended else found.result()))
        waiting.end()

    def _fail(self, code: int | None) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.set_exception(self._lost(code))

    def _leave_loop(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._channel)
            self._loop.remove_writer(self._channel)
            self._loop = None

    def _lost(self, code: int | None) -> BrokenHandler:
        """The error of an event whose process has ended, by its return code; None if it was ended from here."""
        cause = "was ended" if code is None else _end_of(code)
        return BrokenHandler(f"{self._called}: the process of the handler {cause}")


def _raise_if_broken(message: Message) -> None:
    """Raises BrokenHandler or InvalidFile, if that is what a message says."""
    if isinstance(invalid := message.get("invalid_file"), list):
        raise InvalidFile(*invalid)
    if "broken" in message:
        broken = BrokenHandler(str(message["broken"]))
        broken.output = str(message.get("output", ""))
        raise broken


def _invocation(message: Message) -> Invocation:
    """What a message says about an event. Raises BrokenHandler, KeyError or TypeError if it is not such a message."""
    _raise_if_broken(message)
    answer, decision = message["answer"], message["decision"]
    if not isinstance(answer, dict) or not isinstance(decision, dict):
        raise TypeError("expected objects")
    return Invocation(answer, decision, str(message["output"]))


def _end_of(code: int) -> str:
    """How a process ended, by its return code."""
    if code >= 0:
        return f"exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"closed its connection to IoT Core, or was ended by {name}" if name == "SIGKILL" else f"was ended by {name}"
