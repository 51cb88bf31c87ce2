"""Prints what happens in IoT Core on this machine: one line for a record of the feed, on standard error.

- Lines are printed in a thread of their own, since standard error may be a pipe that is not read. If too many lines
  wait, new ones are dropped and counted.
- Lines that come soon after each other are written together: each write takes the interpreter away from the event
  loop, and each connection has two lines.
- Allowed publishes and subscribes are not printed.
"""

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import typer

from iot_authorizer_cli.terminal import count
from iot_core.reasons import IotCoreReason
from iot_policies.errors import printable

_EXPLAINED_A_SECOND = 20
_OF_A_DECISION = ("reason", "detail", "client_id", "principal", "source", "hint", "warning")
"""The fields of a decision that are printed, in this order."""
_PRINTED = frozenset(
    {"connect", "refresh", "http_publish", "http_send", "credentials", "assume_role", "cognito_identity"}
)
"""The actions that are printed when they are allowed."""
_MOST = 1000
"""Lines that may wait."""
_PAUSE = 0.03
"""Seconds for which a line waits for others, which are written with it."""
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
            self._lines.put(f"dropped {count(self._dropped, 'line')}: standard error was not read")
        self._dropped = 0

    def _run(self) -> None:
        """Prints until the end, or until the reader is gone."""
        with contextlib.suppress(OSError):
            while self._print_waiting():
                pass

    def _print_waiting(self) -> bool:
        """Waits for lines and writes them. False after the end."""
        first = self._lines.get()
        time.sleep(_PAUSE)
        lines = [first, *(self._lines.get() for _ in range(self._lines.qsize()))]
        text = "".join([f"{line}\n" for line in lines if line is not None])
        _write(text.encode(sys.stderr.encoding, "backslashreplace"))
        return lines[-1] is not None


def _write(chunk: bytes) -> None:
    """Writes without the lock of `sys.stderr`: Python takes it when it exits, while this write may block."""
    file = sys.stderr.fileno()
    while chunk:
        try:
            chunk = chunk[os.write(file, chunk) :]
        except BlockingIOError:  # Another program at the same terminal made it non-blocking.
            select.select([], [file], [])


def reload_line(record: Mapping[str, object]) -> str:
    """Formats the record of a reload as one line."""
    if problem := record.get("problem"):
        return coloured(f"reload failed, keeping the previous configuration: {problem}", "red")
    return coloured(f"reloaded {record['path']} and the files that it names", "green")


class Explained:
    """Chooses the records that are printed with an explanation: denials and refusals, at most a few a second."""

    def __init__(self) -> None:
        self._second, self._count = 0, 0

    def __call__(self, record: Mapping[str, object]) -> bool:
        """Whether a record is to be explained."""
        if record.get("allowed") is not False:
            return False
        second = int(time.monotonic())
        self._count = self._count + 1 if second == self._second else 1
        self._second = second
        return self._count <= _EXPLAINED_A_SECOND


def line_of(record: Mapping[str, object]) -> str | None:
    """Formats a record as one line; None for a record that would repeat another."""
    if record["kind"] == "decision":
        return _decision(record)
    if record["kind"] == "rule":
        return _rule(record)
    if record.get("event") == "connected":
        return None
    about = record.get("client_id", record.get("address", ""))
    head = f"{record.get('event', record['kind'])}: {about}" if about else str(record.get("event", record["kind"]))
    names = ("disconnect_reason", "topics", "reason", "detail", "count", "problem")
    return coloured(head, "bright_black") + _rest(record, names)


def _decision(record: Mapping[str, object]) -> str | None:
    if record["allowed"] and record["action"] not in _PRINTED:
        return None
    by_policy = record.get("reason") == IotCoreReason.NOT_ALLOWED_BY_POLICY
    word, colour = ("allowed", "green") if record["allowed"] else ("denied" if by_policy else "refused", "red")
    resource = record.get("resource", "")
    names = [name for name in _OF_A_DECISION if name != "client_id" or record.get(name) != resource]
    because = record.get("explanation")
    reason = ""
    if isinstance(because, list) and because and not record["allowed"]:
        reason = ": " + str(because[0]).removeprefix(f"{record.get('reason')}: ")  # The line has the reason code.
    return coloured(f"{word}: {record['action']} {resource}", colour) + _rest(record, names) + printable(reason)


def _rule(record: Mapping[str, object]) -> str:
    colour = "red" if "problem" in record else "cyan"
    head = coloured(f"rule {record['rule']}: {record['topic']}", colour)
    return head + _rest(record, ("action", "resource", "attempt", "problem", "output"))


def _rest(record: Mapping[str, object], names: Sequence[str]) -> str:
    return printable("".join([f" {name}={_listed(record[name])}" for name in names if name in record]))


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def coloured(text: str, colour: str) -> str:
    """Colours a text, unless NO_COLOR is set (no-color.org) or standard error is not a terminal."""
    return typer.style(printable(text), fg=colour) if _has_colours() else printable(text)


@cache  # While the system is asked, which is for two lines a connection, another thread gets the interpreter.
def _has_colours() -> bool:
    return not os.environ.get("NO_COLOR") and sys.stderr.isatty()
