"""A user's way from an empty folder to a deployed authorizer, with an empty HOME and only the built wheel.

Each command is one that a command before it printed, or that the documentation names. Caches of uv and npm only save
downloads.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests import UV
from tests.cloud.cloud import Cloud
from tests.cloud.project import THIS_MACHINE


class Seen(NamedTuple):
    """What a user saw on the way."""

    tests: str
    """What pytest printed."""
    heard: str
    """What a real client of `dev` printed."""


class Folder:
    """The user's folder, and the commands that run in it."""

    def __init__(self, cloud: Cloud, path: Path, variables: Mapping[str, str]) -> None:
        path.mkdir()
        self._path = path
        self._cloud = cloud
        programs = os.pathsep.join((str(Path(UV).parent), cloud.environment["PATH"]))
        self._variables = {"HOME": str(path.parent), "PATH": programs, **variables}

    def run(self, command: str) -> str:
        """Runs a command as it was printed, and returns its output. It must succeed."""
        return self._cloud.run(self._path, "sh", "-c", command, **self._variables)

    def write(self, files: Mapping[str, str]) -> None:
        """Writes or replaces files."""
        for name, content in files.items():
            (self._path / name).parent.mkdir(parents=True, exist_ok=True)
            (self._path / name).write_text(content)

    def client_of_dev(self, token: str) -> str:
        """Runs `dev`, then the first client that it prints, and returns what this client prints."""
        command = [".venv/bin/iot-authorizer", "dev", "--port", "0", "--tls-port", "0"]
        environment = {**self._cloud.environment, **self._variables}
        with subprocess.Popen(command, cwd=self._path, env=environment, stdout=subprocess.PIPE, text=True) as dev:
            try:
                assert dev.stdout is not None
                printed = []
                for line in dev.stdout:
                    printed.append(line)
                    if "Ctrl-C" in line:
                        break
                (client,) = (line for line in printed if "connect --for paho" in line)
                heard = self.run(client.replace("TOKEN", token))
                dev.send_signal(signal.SIGINT)
                assert dev.wait(60) == 0
            finally:
                dev.kill()
        return heard

    def on_this_machine(self) -> None:
        """Has the stage's function run here."""
        stages = json.loads((self._path / "cdk.json").read_text())
        stages["context"]["stages"]["dev"] |= THIS_MACHINE
        self.write({"cdk.json": json.dumps(stages)})


def walk(folder: Folder, wheel: Path, files: Mapping[str, str], package: str, token: str) -> Seen:
    """From an empty folder to a deployed authorizer, with files of the user's own and a package that they import."""
    said = folder.run(f"uv tool run --quiet --from '{wheel}[local]' iot-authorizer init")
    deploy = [line.partition("#")[0] for line in said.partition("Next:")[2].splitlines() if line][-1]
    folder.write(files)
    folder.run(f"uv sync --quiet --python {sys.executable}")
    locked = folder.run(f"uv run iot-authorizer lock {package}")
    folder.run(locked.partition("to run it here too: ")[2])
    tests = folder.run("uv run pytest")
    heard = folder.client_of_dev(token)
    folder.run("uv run iot-authorizer build")
    folder.on_this_machine()
    folder.run(f"{deploy} --yes")
    return Seen(tests, heard)
