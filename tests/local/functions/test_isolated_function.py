"""A handler in a process of its own can do what it likes: only its own event fails."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iot_core.functions.isolated_function import IsolatedFunction
from iot_core.functions.lambda_function import BrokenHandler
from iot_policies import InvalidFile
from tests.event_loop import in_event_loop
from tests.local.functions.processes import ends, is_running
from tests.local.harness.channels import PATIENCE

pytestmark = pytest.mark.slow

OWN = """
import ctypes, gc, json, os, signal, socket, subprocess, sys, time
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


@in_event_loop
async def test_it_keeps_its_process_and_its_state_from_event_to_event(start: Start) -> None:
    function = start()
    first, second = [(await function.invoke({})).answer for _ in range(2)]
    assert (first["count"], second["count"]) == (1, 2)
    assert first["process"] == second["process"] != os.getpid()


@in_event_loop
async def test_what_it_printed_before_it_raised_is_kept(start: Start) -> None:
    with pytest.raises(BrokenHandler) as raised:
        await start().invoke({"do": "print('so far'); raise KeyError('no')"})
    assert raised.value.output == "so far"


@in_event_loop
async def test_its_log_line_is_that_of_its_decision(start: Start) -> None:
    line = """print("x"); print(json.dumps({"decision": "allowed", "principal": os.environ["OWN"]}))"""
    assert (await start().invoke({"do": line})).decision == {"decision": "allowed", "principal": "variable"}


ENDS = {
    "exits": ("os._exit(3)", "exited with 3"),
    "crashes": ("ctypes.string_at(0)", "SIGSEGV"),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "aborts": ("os.abort()", "SIGABRT"),
    "closes everything": ("os.closerange(0, 1000)", "closed its connection|exited with 1"),
    "answers with a number": (
        "channel = next(each for each in gc.get_objects() if isinstance(each, socket.socket))\n"
        """channel.sendall(b'{"number": 1, "answer": 5, "decision": {}, "output": ""}\\n')\n"""
        "time.sleep(60)",
        "closed its connection",
    ),
    "writes rubbish to every file": (
        "for each in range(3, 1000):\n try: os.write(each, b'rubbish' * 10)\n except OSError: pass",
        "closed its connection",
    ),
}


@pytest.mark.parametrize(("does", "expected"), ENDS.values(), ids=list(ENDS))
@in_event_loop
async def test_a_handler_that_ends_its_process_fails_its_event(start: Start, does: str, expected: str) -> None:
    function = start()
    with pytest.raises(BrokenHandler, match=expected):
        await function.invoke({"do": does})
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
@in_event_loop
async def test_a_handler_that_does_something_unusual_still_answers_each_event_once(start: Start, does: str) -> None:
    function = start()
    answers = [(await function.invoke({"do": each})).answer for each in (does, "", "", "")]
    assert [answer["count"] for answer in answers] == [1, 2, 3, 4]
    assert len({answer["process"] for answer in answers}) == 1


@in_event_loop
async def test_a_breakpoint_says_where_it_works(start: Start) -> None:
    with pytest.raises(
        BrokenHandler, match=r"RuntimeError: breakpoint\(\) needs a terminal.*: use iot-authorizer invoke"
    ):
        await start().invoke({"do": "breakpoint()"})


@pytest.mark.parametrize(
    "error", ["RuntimeError('out of order')", "SystemExit(3)", "KeyboardInterrupt()", "RuntimeError('x' * 20_000_000)"]
)
@in_event_loop
async def test_an_exception_fails_its_event_and_keeps_the_process(start: Start, error: str) -> None:
    function = start()
    with pytest.raises(BrokenHandler, match=error.partition("(")[0]):
        await function.invoke({"do": f"raise {error}"})
    assert (await function.invoke({})).answer["count"] == 2


@in_event_loop
async def test_a_handler_that_hangs_is_killed_with_everything_that_it_forked(start: Start, tmp_path: Path) -> None:
    function, written = start(), tmp_path / "children"
    forks = f"""
child = os.fork()
if child:
    Path({str(written)!r}).write_text(f"{{os.getpid()}} {{child}}")
while True: pass
"""
    hanging = function.invoke({"do": forks})
    async with asyncio.timeout(PATIENCE):
        while not (written.exists() and written.read_text()):
            await asyncio.sleep(0.01)
    function.kill()
    with pytest.raises(BrokenHandler, match="was ended"):
        await hanging
    assert all(map(ends, map(int, written.read_text().split())))


@in_event_loop
async def test_a_function_that_is_closed_ends_its_process(start: Start) -> None:
    function = start()
    process = (await function.invoke({})).answer["process"]
    assert isinstance(process, int)
    function.close()
    assert ends(process)
    with pytest.raises(BrokenHandler, match="was ended"):
        await function.invoke({})


@in_event_loop
async def test_an_event_fails_and_its_process_ends_if_the_system_has_no_thread_left(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    crashes, closed = start(), start()
    process = (await closed.invoke({})).answer["process"]
    assert isinstance(process, int)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(BrokenHandler, match="exited with 3"):
            await crashes.invoke({"do": "os._exit(3)"})
        closed.close()
    assert ends(process)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc lists the open files")
def test_a_function_fails_and_leaves_no_file_open_if_the_system_cannot_start_a_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(BrokenHandler, match=r"no execution environment can start: .*No such file"):
        IsolatedFunction("own.lambda_handler")
    assert set(Path("/proc/self/fd").iterdir()) == before


@in_event_loop
async def test_a_process_that_ends_before_the_first_event_is_noticed(start: Start) -> None:
    ends_later, stays = start(f"import os, threading\nthreading.Timer(0.05, os._exit, [4]).start()\n{OWN}"), start()
    async with asyncio.timeout(PATIENCE):
        while not ends_later.ended:
            await asyncio.sleep(0.01)
    assert not stays.ended


@in_event_loop
async def test_a_process_that_ends_between_two_events_fails_the_next_one(start: Start) -> None:
    function = start()
    await function.invoke({"do": "import threading; threading.Timer(0.05, os._exit, [4]).start()"})
    async with asyncio.timeout(PATIENCE):
        while not function.ended:
            await asyncio.sleep(0.01)
    with pytest.raises(BrokenHandler, match="was ended"):
        await function.invoke({})


DEEP = """
def lambda_handler(event, context):
    deep = "x"
    for _ in range(event["depth"]):
        deep = [deep]
    if event["prints"]:
        print('{"decision": ' + "[" * event["depth"] + "]" * event["depth"] + "}")
    return {} if event["prints"] else {"deep": deep}
"""
CYCLIC: dict[str, object] = {}
CYCLIC["itself"] = CYCLIC


@pytest.mark.parametrize("prints", [True, False], ids=["log line", "answer"])
@in_event_loop
async def test_an_answer_or_log_line_that_is_nested_too_deeply_keeps_the_process(start: Start, prints: bool) -> None:
    function = start(DEEP)
    for depth in range(900, 1100):  # Around the limit, which is lower in the process that has more frames.
        with contextlib.suppress(BrokenHandler):
            await function.invoke({"depth": depth, "prints": prints})
        assert not function.ended


@in_event_loop
async def test_an_event_that_is_not_json_fails_and_keeps_the_process(start: Start) -> None:
    function = start()
    for unusable in (b"", CYCLIC):
        with pytest.raises(BrokenHandler, match="the event is not JSON"):
            await function.invoke({"do": unusable})
    assert (await function.invoke({})).answer["count"] == 1


@in_event_loop
async def test_an_event_can_be_larger_than_what_the_system_holds_between_two_processes(start: Start) -> None:
    large = await start().invoke({"do": "", "large": "x" * 8_000_000})
    assert large.answer["count"] == 1


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
import asyncio, sys
from iot_core.functions.isolated_function import IsolatedFunction

async def run():
    function = IsolatedFunction("own.lambda_handler")
    print((await function.invoke({})).answer["process"], flush=True)
    await function.invoke({"do": sys.argv[1]})

asyncio.run(run())
"""


@pytest.mark.parametrize(
    "does",
    [
        "while True: pass",
        pytest.param(
            "import re; re.match('(a*)*b', 'a' * 60)",  # No other thread of the process runs.
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process from outside"),
        ),
    ],
)
def test_a_handler_that_hangs_does_not_outlive_iot_core(start: Start, tmp_path: Path, does: str) -> None:
    start()
    with subprocess.Popen([sys.executable, "-c", PARENT, does], cwd=tmp_path, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        assert is_running(process)
        parent.send_signal(signal.SIGKILL)
    assert ends(process)
