"""The files of a new project.

1. Nothing is ever overwritten: if any of the files exists, nothing is written. Each is created, never opened.
2. No client is accepted that the options do not name. Without any, only `dev` accepts clients, with tokens of the
   development issuer.
3. `uv lock` writes the last file. If it fails, the others are there, and it can be run again.
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cli.commands.init.package_source import PackageSource
from iot_authorizer_cli.distribution import DISTRIBUTION
from iot_authorizer_cli.project.ready_templates import tests_of
from iot_policies.testing.cases import SUFFIX

LOCK = Path("uv.lock")
_LONGEST_NAME = 60

_NOT_CONFIGURED = """\
# Only `dev` accepts clients yet, with tokens of this machine. Before you deploy, say whose to trust:
#
# [[jwt]]
# issuer     = "https://auth.example.com/"
# audience   = ["{name}"]
# algorithms = ["RS256"]
# jwks       = "https://auth.example.com/.well-known/jwks.json"
"""
_PYPROJECT = """\
[project]
name            = "{name}-project"
version         = "0.1.0"
requires-python = ">=3.11"

[dependency-groups]  # Install with uv: pip does not read where {package} comes from, and would search an index.
dev = ["{package}[cdk,local]", "pytest>=9"]

[tool.uv]
package = false

[tool.uv.sources]
{package} = {source}
"""
_WORKFLOW = """\
name: test
on: [push, pull_request]
permissions:
  contents: read
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - run: pipx install uv
      - run: uv run --locked iot-authorizer lint policies/*.toml
      - run: uv run --locked iot-authorizer prove policies/*.toml
      - run: uv run --locked iot-authorizer test
"""
_IGNORED = ".venv/\n.iot-authorizer/\nkeys/private/\nbuild/\ncdk.out/\n__pycache__/\n.pytest_cache/\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What the options say about a project."""

    folder: Path
    template: str
    """The name of a ready template."""
    policy: Path
    """Its file."""
    source: PackageSource
    jwt: Mapping[str, object] | None = None
    """The keys of `[[jwt]]`; None without an issuer."""
    passwords: bool = False
    """Whether users with passwords, in the table, are accepted."""
    anonymous: Mapping[str, object] | None = None
    """The claims of clients without credentials; None if they are refused."""

    @property
    def name(self) -> str:
        """The authorizer's name: that of the folder, as far as IoT Core and CloudFormation accept it."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", self.folder.resolve().name)[:_LONGEST_NAME].strip("-")
        return plain or "authorizer"

    @property
    def accepts_clients(self) -> bool:
        """Whether the configuration says which clients are accepted."""
        return self.jwt is not None or self.passwords or self.anonymous is not None

    def files(self) -> Mapping[Path, bytes]:
        """The content of each file by its path in the folder, without the lock file."""
        pyproject = _PYPROJECT.format(package=DISTRIBUTION, name=self.name.lower(), source=self.source.toml)
        texts = {
            "authorizer.toml": self._configuration(),
            f"policies/{self.template}.toml": self.policy.read_text("utf-8"),
            f"policies/{self.template}{SUFFIX}": tests_of(self.policy).read_text("utf-8"),
            "cdk.json": json.dumps(self._cdk(), indent=2) + "\n",
            "pyproject.toml": pyproject,
            ".gitignore": _IGNORED,
            ".github/workflows/test.yml": _WORKFLOW,
        }
        return {Path(path): text.encode() for path, text in texts.items()}

    def existing(self) -> list[Path]:
        """What is in the way of the files, in the folder."""
        copied = [] if self._copy is None else [self._copy]
        wanted = [*self.files(), *copied, LOCK]
        folders = {folder for path in wanted for folder in path.parents if not (self.folder / folder).is_dir()}
        return sorted(path for path in {*wanted, *folders} if _exists(self.folder / path))

    def write(self) -> None:
        """Writes all files but the lock file. Raises OSError, also for a file that exists."""
        for path, content in self.files().items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(content)
        if self._copy is not None and self.source.file is not None:
            (self.folder / self._copy).parent.mkdir(exist_ok=True)
            with (self.folder / self._copy).open("xb") as target_file, self.source.file.open("rb") as source_file:
                shutil.copyfileobj(source_file, target_file)

    @property
    def _copy(self) -> Path | None:
        """Where to copy the package; None if there is nothing to copy, or it is there."""
        copy, file = self.source.copy, self.source.file
        is_there = copy is not None and file is not None and (self.folder / copy).resolve() == file.resolve()
        return None if is_there else copy

    def _configuration(self) -> str:
        top: dict[str, object] = {"name": self.name, "policy": f"policies/{self.template}.toml"}
        if self.jwt is not None or not self.accepts_clients:
            top["token_key_name"] = "token"  # noqa: S105
        if self.passwords:
            top["table"] = f"{self.name}-identities"
        parts = ["# Which clients are accepted, and the template that says what they may do.\n", _pairs(top)]
        if self.jwt is not None:
            parts.append(f"[[jwt]]\n{_pairs(self.jwt)}")
        if self.passwords:
            parts.append(
                "# Users of the table: on this machine, add them with `iot-authorizer users add`.\n[passwords]\n"
            )
        if self.anonymous is not None:
            keys = {"principal": "anonymous"} | ({"claims": self.anonymous} if self.anonymous else {})
            parts.append(f"# Clients without credentials.\n[anonymous]\n{_pairs(keys)}")
        if not self.accepts_clients:
            parts.append(_NOT_CONFIGURED.format(name=self.name))
        return "\n".join(parts)

    def _cdk(self) -> object:
        stage = {"suffix": "-dev"} | ({"identity_table": True} if self.passwords else {})
        app = "uv run --locked python -m iot_authorizer_cdk.app"
        return {"app": app, "output": "build/cdk.out", "context": {"stages": {"dev": stage}}}


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _pairs(keys: Mapping[str, object]) -> str:
    width = max(map(len, keys))
    return "".join(f"{key:<{width}} = {_value(value)}\n" for key, value in keys.items())


def _value(value: object) -> str:
    """Formats a value as TOML. Texts are printable, so JSON's escapes are also TOML's."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
