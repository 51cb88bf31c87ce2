"""What a Lambda directory was built for: it says so itself."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cdk.settings import InvalidSettings

MARK = "built-for.json"
"""In the directory: what has it was written by `build`."""
_MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""As uv names them. Lambda's Amazon Linux 2023 has glibc 2.34."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the function runs."""

    python: str = "3.14"
    architecture: str = "arm64"
    here: bool = False
    """Whether this machine has to run it too."""

    @property
    def platform(self) -> str | None:
        """As uv names it; None for this machine."""
        return None if self.here else _PLATFORMS[self.architecture]

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}"


LAMBDA = Target()
"""What the construct deploys to: python3.14 on arm64."""


def this_machine(python: str = f"{sys.version_info[0]}.{sys.version_info[1]}") -> Target:
    """A target that this machine runs. Raises InvalidSettings where that is none of Lambda's architectures."""
    machine = platform.machine().lower()
    if machine not in _MACHINES:
        raise InvalidSettings(f"{machine}: Lambda has {' and '.join(_PLATFORMS)} alone")
    return Target(python, _MACHINES[machine], here=True)


def write_target(directory: Path, target: Target) -> None:
    """Marks a directory."""
    mark = {"python": target.python, "architecture": target.architecture}
    (directory / MARK).write_text(json.dumps(mark) + "\n", "utf-8")


def check_target(directory: Path, python: str, architecture: str) -> None:
    """Raises InvalidSettings for a directory that was built for something else."""
    wanted = Target(python, architecture)
    try:
        mark = json.loads((directory / MARK).read_bytes())
        built = Target(mark["python"], mark["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidSettings(f"{directory}: it does not say what it was built for: `make build` writes it") from None
    if built != wanted:
        again = f"`make build` with the stage, or with --python {python} --architecture {architecture}"
        raise InvalidSettings(f"{directory}: built for {built}, and the function runs {wanted}: {again}")


def check_replaceable(directory: Path, *kept: Path) -> None:
    """Lets what is not there pass, and what `build` wrote. Raises InvalidSettings for what has anything else in it."""
    place = directory.resolve()
    for path in kept:
        if path.resolve().is_relative_to(place):
            raise InvalidSettings(f"{directory}: {path} is in it, and a build replaces all of it: name another")
    if not directory.exists() or (directory / MARK).is_file():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise InvalidSettings(f"{directory}: no build wrote this, and one would replace all of it: name another")
