"""The program that runs in the process of an isolated function.

It imports the modules that it was told, loads the handler of the first message, then answers one event after the other.
"""

import contextlib
import fcntl
import importlib
import itertools
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, cast

from iot_core.functions.lambda_function import BrokenHandler, LambdaFunction
from iot_policies import InvalidFile
from iot_policies.account_region import AccountRegion

CHUNK = 16 * 1024
"""Bytes that each side reads at most at once."""

Message = dict[str, object]
"""What is sent in either direction."""


def _run(channel: socket.socket, alive: int, modules: Sequence[str]) -> NoReturn:
    """Loads the handler of the first message, and answers one event after the other."""
    channel.set_inheritable(False)
    os.set_inheritable(alive, False)
    os.register_at_fork(after_in_child=channel.close)
    _end_with(alive)
    if "PYTHONBREAKPOINT" not in os.environ and sys.breakpointhook is sys.__breakpointhook__:  # Not of a debugger.
        sys.breakpointhook = _refuse_breakpoint
    for module in modules:
        with contextlib.suppress(Exception):  # The handler that needs it says what is wrong.
            importlib.import_module(module)
    messages = _lines(channel)
    answer, function = _load(json.loads(next(messages)))
    for number in itertools.count(1):
        try:
            channel.sendall(f"{answer}\n".encode())
        except OSError:  # This is a forked process, or the handler has closed the socket.
            os._exit(1)
        if function is None:
            os._exit(0)
        answer = _answer(function, next(messages), number)
    raise AssertionError


def _end_with(alive: int) -> None:
    """Ends this process and what it forked when IoT Core itself ends, which closes a pipe."""
    if sys.platform == "linux":  # The kernel does it: no thread runs while, for example, a regular expression hangs.
        fcntl.fcntl(alive, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(alive, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(alive, fcntl.F_SETFL, os.O_ASYNC)
    threading.Thread(target=_wait_for_end, args=(alive,), daemon=True).start()


def _wait_for_end(alive: int) -> None:
    with contextlib.suppress(OSError):
        os.read(alive, 1)
    os.killpg(0, signal.SIGKILL)


def _refuse_breakpoint(*_: object, **__: object) -> NoReturn:
    raise RuntimeError("breakpoint() needs a terminal, which the handler's process has not: use iot-authorizer invoke")


def _lines(channel: socket.socket) -> Iterator[bytes]:
    """What comes, line by line. Exits at the end."""
    received = bytearray()
    while chunk := channel.recv(CHUNK):
        received += chunk
        if chunk.endswith(b"\n"):  # The other side sends a line only after the answer to the one before.
            yield bytes(received)
            received.clear()
    os._exit(1)


def _load(first: Message) -> tuple[str, LambdaFunction | None]:
    """Loads a handler. Returns a message in JSON, and the function if it was loaded."""
    sys.path[:] = cast("list[str]", first["path"])
    os.environ.update(cast("Mapping[str, str]", first["environment"]))
    try:
        place = AccountRegion(*cast("list[str]", first["place"]))
        function = LambdaFunction(
            str(first["handler"]),
            called=str(first["called"]),
            folder=Path(str(first["folder"])),
            place=place,
            arn=cast("str | None", first["arn"]),
            timeout=cast("float", first["timeout"]),
        )
    except InvalidFile as error:
        return json.dumps({"invalid_file": [error.path, error.line, error.key, error.expected]}), None
    except BaseException as error:  # noqa: BLE001 (the other side raises it)
        told = str(error) if isinstance(error, BrokenHandler) else f"{type(error).__name__}: {error}"
        return json.dumps({"broken": told}), None
    return "{}", function


def _answer(function: LambdaFunction, event: bytes, number: int) -> str:
    """Runs the function on an event. Returns a message in JSON."""
    try:
        answer, decision, output = function.invoke_json(event)
        told = json.dumps({"number": number, "decision": decision, "output": output})
    except BrokenHandler as error:
        return json.dumps({"number": number, "broken": str(error), "output": error.output})
    except BaseException as error:  # noqa: BLE001 (the other side raises it)
        return json.dumps({"number": number, "broken": f"the handler raised {type(error).__name__}: {error}"})
    return f'{told[:-1]}, "answer": {answer}}}'  # The answer is JSON already.


if __name__ == "__main__":
    _run(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3:])
