"""A handler in a process of its own can do what it likes: only its own event fails."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iot_core.functions.isolated_function import IsolatedFunction
from iot_core.functions.lambda_function import BrokenHandler
from iot_policies import InvalidFile
from tests.local.harness.channels import PATIENCE

pytestmark = pytest.mark.slow

OWN = """
import ctypes, json, os, signal, socket, subprocess, sys, time
from pathlib import Path

count = 0

def lambda_handler(event, context):
    global count
    count += 1
    exec(event.get("do", ""))
    return {"count": count, "process": os.getpid()}
"""

Start = Callable[..., IsolatedFunction]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Loads a handler with this source."""
    monkeypatch.chdir(tmp_path)
    started: list[IsolatedFunction] = []

    def start(source: str = OWN, **options: float) -> IsolatedFunction:
        (tmp_path / "own.py").write_text(source)
        started.append(IsolatedFunction("own.lambda_handler", environment={"OWN": "variable"}, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for function in started:
        function.close()


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(process: int) -> bool:
    """Whether a process ends within a moment."""
    deadline = time.monotonic() + PATIENCE
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(process)


def test_it_keeps_its_process_and_its_state_from_event_to_event(start: Start) -> None:
    function = start()
    first, second = (function.invoke({}).answer for _ in range(2))
    assert (first["count"], second["count"]) == (1, 2)
    assert first["process"] == second["process"] != os.getpid()


def test_what_it_printed_before_it_raised_is_kept(start: Start) -> None:
    with pytest.raises(BrokenHandler) as raised:
        start().invoke({"do": "print('so far'); raise KeyError('no')"})
    assert raised.value.output == "so far"


def test_its_log_line_is_that_of_its_decision(start: Start) -> None:
    line = """print("x"); print(json.dumps({"decision": "allowed", "principal": os.environ["OWN"]}))"""
    assert start().invoke({"do": line}).decision == {"decision": "allowed", "principal": "variable"}


ENDS = {
    "exits": ("os._exit(3)", "exited with 3"),
    "crashes": ("ctypes.string_at(0)", "SIGSEGV"),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "aborts": ("os.abort()", "SIGABRT"),
    "closes everything": ("os.closerange(0, 1000)", "closed its connection|exited with 1"),
    "writes rubbish to every file": (
        "for each in range(3, 1000):\n try: os.write(each, b'rubbish' * 10)\n except OSError: pass",
        "closed its connection",
    ),
}


@pytest.mark.parametrize(("does", "expected"), ENDS.values(), ids=list(ENDS))
def test_a_handler_that_ends_its_process_fails_its_event(start: Start, does: str, expected: str) -> None:
    function = start()
    with pytest.raises(BrokenHandler, match=expected):
        function.invoke({"do": does})
    assert function.ended


HARMLESS = {
    "exits the interpreter": "try: sys.exit(1)\nexcept SystemExit: pass",
    "closes standard output": "sys.stdout.close(); os.close(1); os.close(0)",
    "prints without end": "print('x' * 30_000_000); os.write(1, b'x' * 1_000_000)",
    "reads standard input": "assert sys.stdin.read() == ''",
    "forks, and both answer": "os.fork()",
    "starts a process": "subprocess.run(['true'], check=True)",
    "ignores signals": "[signal.signal(s, signal.SIG_IGN) for s in (signal.SIGTERM, signal.SIGINT)]",
    "changes the folder": "os.chdir('/')",
}


@pytest.mark.parametrize("does", HARMLESS.values(), ids=list(HARMLESS))
def test_a_handler_that_does_something_unusual_still_answers_each_event_once(start: Start, does: str) -> None:
    function = start()
    answers = [function.invoke({"do": does}).answer, *(function.invoke({}).answer for _ in range(3))]
    assert [answer["count"] for answer in answers] == [1, 2, 3, 4]
    assert len({answer["process"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "error", ["RuntimeError('out of order')", "SystemExit(3)", "KeyboardInterrupt()", "RuntimeError('x' * 20_000_000)"]
)
def test_an_exception_fails_its_event_and_keeps_the_process(start: Start, error: str) -> None:
    function = start()
    with pytest.raises(BrokenHandler, match=error.partition("(")[0]):
        function.invoke({"do": f"raise {error}"})
    assert function.invoke({}).answer["count"] == 2


def test_a_handler_that_hangs_is_killed_with_everything_that_it_forked(start: Start, tmp_path: Path) -> None:
    function = start()
    forks = f"""
child = os.fork()
if child:
    Path({str(tmp_path / "children")!r}).write_text(f"{{os.getpid()}} {{child}}")
while True: pass
"""
    threading.Thread(target=_kill_when, args=(tmp_path / "children", function)).start()
    with pytest.raises(BrokenHandler, match="was ended"):
        function.invoke({"do": forks})
    assert all(map(ends, map(int, (tmp_path / "children").read_text().split())))


def _kill_when(written: Path, function: IsolatedFunction) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (written.exists() and written.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    function.kill()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("import os; os._exit(7)", "exited with 7"),
        ("lambda_handler = 5", "has no function lambda_handler"),
        ("while True: pass", r"did not load within 0\.5 seconds"),
    ],
)
def test_a_handler_that_does_not_load_is_broken(start: Start, source: str, expected: str) -> None:
    with pytest.raises(BrokenHandler, match=expected):
        start(source, loading_time=0.5 if "while" in source else PATIENCE)


def test_an_invalid_configuration_keeps_its_place(start: Start) -> None:
    source = "from iot_policies import InvalidFile\nraise InvalidFile('authorizer.toml', 3, 'name', 'is missing')"
    with pytest.raises(InvalidFile) as refused:
        start(source)
    assert (refused.value.path, refused.value.line, refused.value.key) == ("authorizer.toml", 3, "name")


PARENT = """
import os, sys
from iot_core.functions.isolated_function import IsolatedFunction
function = IsolatedFunction("own.lambda_handler")
print(function.invoke({}).answer["process"], flush=True)
function.invoke({"do": "while True: pass"})
"""


def test_a_handler_that_hangs_does_not_outlive_iot_core(start: Start, tmp_path: Path) -> None:
    start()
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        assert is_running(process)
        parent.send_signal(signal.SIGKILL)
    assert ends(process)
