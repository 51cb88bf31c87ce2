"""A user's project, built for this machine."""

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from iot_identities.passwords import hash_password
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import AUDIENCE, ISSUER
from tests.cloud.cloud import Cloud

USER, PASSWORD = "pump-7", "correct horse"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_ARCHITECTURE = "x86_64" if platform.machine().lower() in ("x86_64", "amd64") else "arm64"

_CONFIGURATION = f"""\
name = "chat"
policy = "policy.toml"
token_key_name = "token"

[[jwt]]
issuer = "{ISSUER}"
audience = ["{AUDIENCE}"]
algorithms = ["RS256"]
jwks = "jwks.json"

[passwords]
"""
_IN_A_FILE = 'file = "passwords.toml"\n'
_POLICY = """\
principal = "sub"

[[grant]]
name    = "all"
connect = ["{principal}"]
publish = ["TOPIC"]
"""


@dataclass(frozen=True)
class Project:
    """A project with one stage, whose clients may publish to one topic."""

    folder: Path
    stage: str

    @property
    def stack(self) -> str:
        """The stack's name."""
        return f"IotAuthorizer-chat-{self.stage}"

    @property
    def authorizer(self) -> str:
        """The authorizer's name in IoT Core."""
        return f"chat-{self.stage}"

    def deploy(self, cloud: Cloud) -> None:
        """Deploys the project."""
        cloud.cdk(self.folder, "deploy", "--require-approval", "never")

    def destroy(self, cloud: Cloud) -> None:
        """Destroys it as `make destroy` does, with a configuration that is broken."""
        with (self.folder / "authorizer.toml").open("a") as file:
            file.write("[[")
        app = f"{sys.executable} -m iot_authorizer_cdk.app destroy"
        cloud.cdk(self.folder, "destroy", "--all", "--force", "--app", app, "--output", "destroy.out")

    def outputs(self, cloud: Cloud) -> dict[str, str]:
        """Returns the outputs of the deployed stack."""
        stack = cloud.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @classmethod
    def written(cls, folder: Path, stage: str, *, publish: str, **settings: object) -> Self:
        """Writes and builds a project with the stage's settings. With an identity table, passwords are in the table."""
        project = cls(folder / stage, stage)
        project.folder.mkdir()
        in_table = bool(settings.get("identity_table"))
        project._write("authorizer.toml", _CONFIGURATION + ("" if in_table else _IN_A_FILE))
        project._write("jwks.json", json.dumps(public_keys(signing_key("RS256"))))
        project._write("passwords.toml", f'[users.{USER}]\nhash = "{hash_password(PASSWORD)}"\n')
        project.change(publish=publish, **settings)
        return project

    def change(self, *, publish: str, **settings: object) -> None:
        """Writes another template and other settings, and builds the project again."""
        self._write("policy.toml", _POLICY.replace("TOPIC", publish))
        stage = {"suffix": f"-{self.stage}", "python": _PYTHON, "architecture": _ARCHITECTURE, **settings}
        context = {"stage": self.stage, "stages": {self.stage: stage}}
        app = f"{sys.executable} -m iot_authorizer_cdk.app"
        self._write("cdk.json", json.dumps({"app": app, "output": "cdk.out", "context": context}))
        self._build()

    def _build(self) -> None:
        """Builds it as `make deploy` does, for this machine."""
        target = ["--stage", self.stage, "--architecture", "host"]
        command = [str(Path(sys.executable).with_name("iot-authorizer")), "build", *target]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _write(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)
