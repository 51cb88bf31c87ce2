"""What a Lambda directory is built for: a Python version and a processor.

1. A directory records its target in `built-for.json`, with the version of this package and a hash of all sources. Only
   a directory with this file is ever replaced.
2. The construct refuses a directory whose target is not what the function runs on, one of another version, which it
   could not check, and one whose sources were changed: the function would run the bytecode of the earlier sources.
3. Bytecode is written by an interpreter of the target's own version. Without one, there is no bytecode.
4. Bytecode is checked by neither time nor hash (PEP 552, `unchecked-hash`): zip files lose times, Lambda's directory is
   read-only, and stale bytecode would cost a compilation at each cold start.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer import __version__
from iot_authorizer_cdk.properties import InvalidSettings

MARK = "built-for.json"
"""The file that records the target."""
_MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""uv's names. Lambda's Amazon Linux 2023 has glibc 2.34."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Python version and a processor that the function runs on."""

    python: str = "3.14"
    architecture: str = "arm64"
    is_this_machine: bool = False
    """Whether this machine must be able to run the function too."""

    @property
    def platform(self) -> str | None:
        """uv's name of the platform; None for this machine."""
        return None if self.is_this_machine else _PLATFORMS[self.architecture]

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture}"


LAMBDA = Target()
"""The default of the construct."""


def this_machine(python: str = f"{sys.version_info[0]}.{sys.version_info[1]}") -> Target:
    """Returns a target that this machine can run. Raises InvalidSettings if Lambda has no such processor."""
    machine = platform.machine().lower()
    if machine not in _MACHINES:
        raise InvalidSettings(f"this machine is {machine}, and Lambda has only {' and '.join(_PLATFORMS)}")
    return Target(python, _MACHINES[machine], is_this_machine=True)


def write_target(directory: Path, target: Target) -> None:
    """Records the target of a directory, and its sources as they are now."""
    made_of = {"version": __version__, "sources": _sources_hash(directory)}
    mark = {"python": target.python, "architecture": target.architecture, **made_of}
    (directory / MARK).write_text(json.dumps(mark) + "\n", "utf-8")


def _sources_hash(directory: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(directory.rglob("*.py")):
        found.update(f"{path.relative_to(directory).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def check_target(directory: Path, wanted: Target) -> None:
    """Raises InvalidSettings for a directory that was built for another target, or is not as its build wrote it."""
    try:
        mark = json.loads((directory / MARK).read_bytes())
        built, version, sources = Target(mark["python"], mark["architecture"]), mark["version"], mark["sources"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidSettings(
            f"{directory}: not a Lambda directory, no valid {MARK}: run `iot-authorizer build`"
        ) from None
    if built != wanted:
        options = f"--python {wanted.python} --architecture {wanted.architecture}"
        again = f"run `iot-authorizer build --stage NAME`, or with {options}"
        raise InvalidSettings(f"{directory}: built for {built}, but the function runs {wanted}: {again}")
    if version != __version__:
        problem = f"built by version {version} of this package, but version {__version__} is installed"
        raise InvalidSettings(f"{directory}: {problem}: run `iot-authorizer build` again")
    if sources != _sources_hash(directory) and any(directory.rglob("*.pyc")):
        problem = "its Python files were changed after the build: change those of your project, and build again"
        raise InvalidSettings(f"{directory}: {problem}")


def check_replaceable(directory: Path, *kept: Path) -> None:
    """Raises InvalidSettings unless the directory is missing, empty or built, and holds none of the kept paths."""
    place = directory.resolve()
    for path in kept:
        if path.resolve().is_relative_to(place):
            raise InvalidSettings(f"{directory}: contains {path}, and a build replaces it: choose another directory")
    if not directory.exists() or (directory / MARK).is_file():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise InvalidSettings(f"{directory}: not built by this command, which would replace it: choose another")


def find_interpreter(version: str) -> Path | None:
    """Returns an interpreter of a minor version such as `3.14` on this machine, or None."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = (Path(sys.executable), *(Path(folder) / f"python{version}" for folder in folders))
    return next((program for program in candidates if _has_version(program, version)), None)


def _has_version(program: Path, version: str) -> bool:
    """Runs the program: a version manager's `python3.14` may only say that 3.14 is not installed."""
    script = "import sys; print(f'{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}')"
    try:
        done = subprocess.run([program, "-I", "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == f"cpython {version}"


def standard_library(interpreter: Path | None) -> frozenset[str]:
    """Returns the modules of an interpreter's standard library; without one, those of this interpreter's."""
    if interpreter is None:
        return sys.stdlib_module_names
    script = "import sys; print(*sys.stdlib_module_names)"
    done = subprocess.run([interpreter, "-I", "-c", script], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


def compile_sources(interpreter: Path, directory: Path) -> None:
    """Compiles all sources of a directory, which is /var/task in Lambda. Raises InvalidSettings."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(directory), "-p", "/var/task"]
    command = [str(interpreter), "-I", "-m", "compileall", *options, str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        failed = re.search(r"File \"/var/task/(.+?)\", line (\d+)", done.stdout)
        place = f"{failed[1]}:{failed[2]}: " if failed else ""
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise InvalidSettings(f"{place}{said[-1] if said else 'does not compile'}")
