"""A process can be started before it is known what function it will run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iot_core.functions.function_process import started_ahead
from iot_core.functions.isolated_function import IsolatedFunction
from tests.event_loop import in_event_loop
from tests.local.functions.processes import ends, is_running
from tests.local.harness.channels import PATIENCE

pytestmark = pytest.mark.slow

PARENT = """
import time
from iot_core.functions.function_process import started_ahead
with started_ahead(["says"]):
    time.sleep(600)
"""
OWN = """
import os, sys

def lambda_handler(event, context):
    return {"process": os.getpid(), "parent": os.getppid(), "imported": event["module"] in sys.modules}
"""


@in_event_loop
async def test_the_next_function_gets_it_with_what_it_imported_and_a_later_one_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    with started_ahead(["no_such_module", "colorsys"]):
        functions = [IsolatedFunction("own.lambda_handler", folder=tmp_path) for _ in range(2)]
    answers = [(await function.invoke({"module": "colorsys"})).answer for function in functions]
    assert [answer["imported"] for answer in answers] == [True, False]
    assert {answer["parent"] for answer in answers} == {os.getpid()}
    for function in functions:
        function.close()


WRITES_ITS_PROCESS = "import os\nopen('process', 'w').write(str(os.getpid()))\n"


def written(folder: Path) -> int:
    """The process that has imported a module with WRITES_ITS_PROCESS."""
    deadline, file = time.monotonic() + PATIENCE, folder / "process"
    while not (file.exists() and file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(file.read_text())


def test_it_is_ended_if_no_function_took_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "says.py").write_text(WRITES_ITS_PROCESS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with started_ahead(["says"]):
        process = written(tmp_path)
    assert not is_running(process)


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "says.py").write_text(WRITES_ITS_PROCESS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, env=environment) as parent:
        process = written(tmp_path)
        parent.kill()
    assert ends(process)


def test_it_ignores_the_variables_of_python_if_the_program_that_starts_it_does(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("lambda_handler = print\n")
    (tmp_path / "shadows").mkdir()
    (tmp_path / "shadows/json.py").write_text("raise SystemExit(3)\n")
    script = "from iot_core.functions.isolated_function import IsolatedFunction; IsolatedFunction('own.lambda_handler')"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "shadows")}
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, env=environment, check=True)
