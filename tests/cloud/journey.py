"""A user's way from an empty folder to a deployed authorizer, with an empty HOME and only the built wheel.

Each command is one that a command before it printed, or that the documentation names. Caches of uv and npm only save
downloads.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iot_authorizer_cli.commands.deploy.command import CDK
from tests import UV
from tests.cloud.cloud import Cloud
from tests.cloud.project import THIS_MACHINE

CDK_DEPLOY = f"npx --yes {CDK} deploy --require-approval never"
"""Deploys the app of the user's own, as the documentation tells, without a question."""
Contexts = Mapping[str, Mapping[str, str]]
"""A client, as TestInvokeAuthorizer takes it."""
Outputs = Mapping[str, str]
"""The outputs of the deployed stack."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Journey:
    """What a user types and writes, and which clients are expected to be allowed."""

    name: str
    """The folder's name, which `init` gives to the authorizer."""
    init: tuple[str, ...]
    app: str = ""
    """The user's own CDK app, with a stack that has the name of the journey, in place of the one that `init` uses."""
    files: Mapping[str, str] = field(default_factory=dict)
    """What the user writes after `init`."""
    tests: str = ""
    """The command that runs the user's own tests, in the place of the one that `init` prints."""
    packages: tuple[str, ...] = ()
    """What the user's own code imports."""
    variables: Mapping[str, str] = field(default_factory=dict)
    token: str = ""
    """What the user gives for TOKEN in a printed command."""
    heard: str
    """What a real client of `dev` prints."""
    allowed: Callable[[Outputs], Contexts]
    resource: str
    """What the deployed function allows the client `allowed`, without account and region."""
    refused: Callable[[Outputs], Contexts]
    reason: str
    """The reason code with which the deployed function refuses the client `refused`."""

    @property
    def authorizer(self) -> str:
        """The deployed authorizer's name."""
        return self.name if self.app else f"{self.name}-dev"

    @property
    def stack(self) -> str:
        """The deployed stack's name."""
        return self.name if self.app else f"IotAuthorizer-{self.name}-dev"


@dataclass(frozen=True)
class Walked:
    """What a user saw."""

    journey: Journey
    heard: str
    tests: str
    """What pytest printed."""
    outputs: Outputs
    folder: "Folder"


class Folder:
    """The user's folder, and the commands that run in it."""

    def __init__(self, cloud: Cloud, home: Path, journey: Journey) -> None:
        self.path = home / journey.name
        self.path.mkdir()
        self._cloud = cloud
        path = os.pathsep.join((str(Path(UV).parent), cloud.environment["PATH"]))
        self._variables = {"HOME": str(home), "PATH": path, **journey.variables}

    def run(self, command: str) -> str:
        """Runs a command as it was printed, and returns its output. It must succeed."""
        return self._cloud.run(self.path, "sh", "-c", command, **self._variables)

    def write(self, files: Mapping[str, str]) -> None:
        """Writes or replaces files."""
        for name, content in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(content)

    def client_of_dev(self, token: str) -> str:
        """Runs `dev`, then the first client that it prints, and returns what this client prints."""
        command = [".venv/bin/iot-authorizer", "dev", "--port", "0", "--tls-port", "0"]
        environment = {**self._cloud.environment, **self._variables}
        with subprocess.Popen(command, cwd=self.path, env=environment, stdout=subprocess.PIPE, text=True) as dev:
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


def walk_journey(journey: Journey, wheel: Path, cloud: Cloud, home: Path) -> Walked:
    """Goes from an empty folder to a deployed authorizer."""
    folder = Folder(cloud, home, journey)
    said = folder.run(f"uv tool run --quiet --from '{wheel}[local]' iot-authorizer init {' '.join(journey.init)}")
    tests, _, build, deploy = [line.partition("#")[0] for line in said.partition("Next:")[2].splitlines() if line]
    folder.write(journey.files)
    folder.run(f"uv sync --quiet --python {sys.executable}")
    if journey.packages:
        locked = folder.run(f"uv run iot-authorizer lock {' '.join(journey.packages)}")
        folder.run(locked.partition("to run it here too: ")[2])
    tested = folder.run(journey.tests or tests)
    heard = folder.client_of_dev(journey.token)
    if journey.app:
        folder.write({"cdk_app.py": journey.app, "cdk.json": json.dumps({"app": "uv run --locked python cdk_app.py"})})
        folder.run(f"{CDK_DEPLOY} {journey.stack}")
    else:
        folder.run(build if "build" in build else "uv run iot-authorizer build")
        stages = json.loads((folder.path / "cdk.json").read_text())
        stages["context"]["stages"]["dev"] |= THIS_MACHINE
        folder.write({"cdk.json": json.dumps(stages)})
        folder.run(f"{deploy} --yes")
    return Walked(journey, heard, tested, cloud.outputs(journey.stack), folder)
