"""Loads a template from a file, or from a revision of git such as `HEAD~1:policies/chat.toml`."""

import subprocess
from pathlib import Path

import typer

from iot_authorizer_cli import options
from iot_policies import InvalidFile, PolicyTemplate


def topic_prefix_of(name: str) -> str | None:
    """The topic prefix of the configuration in this folder, if it names the file of a revision; else None."""
    found = options.configuration_of(_path(name))
    return None if found is None else found.topic_prefix


def load_revision(name: str, topic_prefix: str) -> PolicyTemplate:
    """Loads a template from a file, or as `git show` names it. Raises InvalidFile."""
    if _is_file(name):
        return PolicyTemplate.load(name, topic_prefix)
    return PolicyTemplate.parse(_show(name), name, topic_prefix)


def _is_file(name: str) -> bool:
    return ":" not in name or Path(name).exists()


def _path(name: str) -> Path:
    return Path(name if _is_file(name) else name.partition(":")[2])


def _show(name: str) -> bytes:
    """The content of a file in a revision. A path is relative to this folder, as in all commands."""
    revision, _, path = name.partition(":")
    if not path:
        raise typer.BadParameter(f"expected a file, or REVISION:FILE, found {name}", param_hint="OLD, NEW")
    command = ["git", "show", "--end-of-options", f"{revision}:./{path}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 (no shell)
    except FileNotFoundError:
        raise InvalidFile(name, None, "", "git is not installed, which reads a revision") from None
    if done.returncode:
        problem = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise InvalidFile(name, None, "", f"not a file, and git finds no such revision: {problem}")
    return done.stdout
