"""A user's project, deployed for a Lambda that runs on this machine."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from iot_identities.passwords import hash_password
from tests import ROOT
from tests.authorizer.keys import public_keys, signing_key
from tests.authorizer.tokens import AUDIENCE, ISSUER
from tests.cloud.cloud import Cloud

USER, PASSWORD = "pump-7", "correct horse"
THIS_MACHINE = {
    "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    "architecture": "x86_64" if platform.machine().lower() in ("x86_64", "amd64") else "arm64",
}
"""Settings of a stage whose function runs here."""

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
        """Deploys the project. Its files may have changed since it was deployed last."""
        cloud.iot_authorizer(self.folder, "deploy", "--stage", self.stage, "--yes")

    def destroy(self, cloud: Cloud) -> None:
        """Destroys it, with a configuration that is broken."""
        with (self.folder / "authorizer.toml").open("a") as file:
            file.write("[[")
        cloud.iot_authorizer(self.folder, "destroy", "--stage", self.stage, "--yes")

    def outputs(self, cloud: Cloud) -> dict[str, str]:
        """Returns the outputs of the deployed stack."""
        return cloud.outputs(self.stack)

    @classmethod
    def written(cls, folder: Path, stage: str, *, publish: str, **settings: object) -> Self:
        """Writes a project with the stage's settings. With an identity table, passwords are in the table."""
        project = cls.empty(folder, stage)
        in_table = bool(settings.get("identity_table"))
        project.write("authorizer.toml", _CONFIGURATION + ("" if in_table else _IN_A_FILE))
        project.write("jwks.json", json.dumps(public_keys(signing_key("RS256"))))
        project.write("passwords.toml", f'[users.{USER}]\nhash = "{hash_password(PASSWORD)}"\n')
        project.change(publish=publish, **settings)
        return project

    @classmethod
    def empty(cls, folder: Path, stage: str) -> Self:
        """Makes the folder of a project, with the CDK's command line."""
        project = cls(folder / stage, stage)
        project.folder.mkdir()
        (project.folder / "node_modules").symlink_to(ROOT / "node_modules")
        return project

    def add_rule(self, name: str, topic: str, code: str) -> None:
        """Adds a rule that calls `on_message` of this code for messages to a topic."""
        self.write("my_rules.py", code)
        with (self.folder / "authorizer.toml").open("a") as file:
            file.write(f'\n[[rule]]\nname = "{name}"\ntopics = ["{topic}"]\nfunction = "my_rules.on_message"\n')

    def change(self, *, publish: str, **settings: object) -> None:
        """Writes another template and other settings."""
        self.write("policy.toml", _POLICY.replace("TOPIC", publish))
        self.write_stage(**settings)

    def write_stage(self, **settings: object) -> None:
        """Writes cdk.json with one stage, for this machine's Python and processor."""
        stage = {"suffix": f"-{self.stage}", **THIS_MACHINE, **settings}
        self.write("cdk.json", json.dumps({"context": {"stages": {self.stage: stage}}}))

    def write(self, name: str, content: str) -> None:
        """Writes or replaces a file of the project."""
        (self.folder / name).write_text(content)
