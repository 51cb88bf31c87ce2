"""The project whose authorizer the checks use: one user with a password and topics of its own."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import typer

from iot_core.whole_file import write_whole
from iot_identities.passwords import hash_password

NAME = "conformance"
_CONFIGURATION = f"""\
# Made by `iot-authorizer conformance`. Deploy it, run the checks, destroy it.
name   = "{NAME}"
policy = "policy.toml"

[passwords]
file = "passwords.toml"
"""
_POLICY = """\
[[grant]]
name      = "checks"
connect   = ["{principal}/*"]
publish   = ["conformance/{principal}/open/#"]
retain    = ["conformance/{principal}/kept/#"]
subscribe = ["conformance/{principal}/#", "$share/group/conformance/{principal}/#"]
"""
_CDK = '{"context": {"stages": {"dev": {}}}}\n'
_CREDENTIALS = "credentials.json"


@dataclass(frozen=True, slots=True)
class ConformanceProject:
    """A folder with the project."""

    folder: Path
    user: str
    password: str

    @property
    def configuration(self) -> Path:
        """Its `authorizer.toml`."""
        return self.folder / "authorizer.toml"


def write_project(folder: Path) -> None:
    """Writes a project, with a user and a password that are made up."""
    user, password = f"check-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    folder.mkdir(parents=True)
    (folder / "authorizer.toml").write_text(_CONFIGURATION)
    (folder / "policy.toml").write_text(_POLICY)
    (folder / "cdk.json").write_text(_CDK)
    (folder / "passwords.toml").write_text(f'[users.{user}]\nhash = "{hash_password(password)}"\n')
    write_whole(folder / _CREDENTIALS, json.dumps({"user": user, "password": password}).encode(), mode=0o600)


def read_project(folder: Path) -> ConformanceProject:
    """Reads a project that was written here. Raises BadParameter."""
    try:
        found = json.loads((folder / _CREDENTIALS).read_text("utf-8"))
        return ConformanceProject(folder, str(found["user"]), str(found["password"]))
    except (OSError, ValueError, KeyError, TypeError):
        problem = f"{folder} exists, but was not made by this command: name a folder that does not exist yet"
        raise typer.BadParameter(problem, param_hint="FOLDER") from None
