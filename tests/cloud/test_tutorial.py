"""The tutorial for platform engineers, from an empty folder with the wheel to the end.

Each command is run, each file is written, and the commands of its CI deploy the stack.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests import ROOT, UV
from tests.cloud.cloud import Cloud
from tests.cloud.project import THIS_MACHINE
from tests.progress import without_progress

PAGE = ROOT / "docs/tutorials/platform-engineer.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
FILE = re.compile(r"# (\S+\.\w+)\n")
STEP = re.compile(r"- run: ((?:uv|npx) .*)")
ON_THIS_MACHINE = ("memory_size=512", ", ".join(f"{name}={value!r}" for name, value in THIS_MACHINE.items()))
"""The page's function runs at AWS, and the test's one here."""


class Reader:
    """Does what the page says. Variables and the working directory stay from one command to the next."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self._variables = folder / "variables"
        self._variables.write_text(f"cd '{folder / 'work'}'\n")
        (folder / "work").mkdir()
        home = folder / "home"
        home.mkdir()
        path = os.pathsep.join((str(Path(UV).parent), cloud.environment["PATH"]))
        author = {f"GIT_{each}": "ann@example.com" for each in ("AUTHOR_NAME", "AUTHOR_EMAIL")}
        author |= {f"GIT_{each}": "ann@example.com" for each in ("COMMITTER_NAME", "COMMITTER_EMAIL")}
        python = {"UV_PYTHON": sys.executable}
        self._environment = {**cloud.environment, "HOME": str(home), "PATH": path, **author, **python}

    def run(self, command: str, *, may_fail: bool = False) -> str:
        """Runs a command of the page, and returns its output. It must succeed unless it may fail."""
        kept = f"{{ export -p; echo cd \"'$PWD'\"; }} > '{self._variables}'"
        script = f"set -a; . '{self._variables}'; {command}\nCODE=$?; {kept}; exit $CODE"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert may_fail or done.returncode == 0, f"{command}\n{done.stdout}"
        return without_progress(done.stdout)

    def write(self, name: str, content: str) -> None:
        """Writes a file that the page shows."""
        self.run(f"mkdir -p \"$(dirname '{name}')\" && cat > '{name}' <<'END-OF-FILE'\n{content}END-OF-FILE")


def steps() -> Iterator[tuple[str, str]]:
    """What the page says, in its order: the language and the content of each block."""
    yield from BLOCK.findall(PAGE.read_text("utf-8"))


def test_the_tutorial_leads_to_what_it_promises(cloud: Cloud, wheel: Path, tmp_path: Path) -> None:
    reader = Reader(cloud, tmp_path)
    shutil.copy(wheel, tmp_path / "work" / wheel.name)
    for language, content in steps():
        if (file := FILE.match(content)) is not None:
            reader.write(file[1], content.replace(*ON_THIS_MACHINE))
        if language == "sh":
            reader.run(content.replace("iot_authorizer-0.1.0-py3-none-any.whl", wheel.name))
        for command in STEP.findall(content):
            reader.run(command)
        for command, expected in COMMAND.findall(content) if language == "console" else ():
            output = reader.run(command, may_fail=True)  # The page says what it prints, also if it fails.
            pattern = ".*".join(map(re.escape, expected.split("…")))
            assert re.fullmatch(pattern, output, re.DOTALL), f"{command}\n{output}"
