"""The packages of the Lambda directory: locked to versions and hashes, and installed by uv.

1. `requirements.txt` beside this file has the authorizer's own dependencies. It is exported from `uv.lock`.
2. The packages of a user's code are locked against it, so that both lock files can be installed together. The lock is
   for every Python and processor that a stage may choose.
3. Only wheels are used: no code of a package runs on this machine.
4. The hashes make sure that the files are the same from any package index.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from iot_authorizer_cdk.package.target import Target
from iot_authorizer_cdk.package.uv import run_uv
from iot_policies import InvalidFile
from iot_policies.toml_file import read_file

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
"""The lock file of the packages that run in Lambda."""
_OLDEST_PYTHON = "3.11"
"""The oldest Python that a stage may choose."""
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def lock(requirements: str, folder: Path) -> str:
    """Returns a lock file for requirements, one in each line; paths in them begin at the folder. Raises UvError."""
    universal = ("--universal", "--python-version", _OLDEST_PYTHON, "--constraints", str(REQUIREMENTS))
    form = ("--generate-hashes", "--only-binary", ":all:", "--no-header", "--no-annotate", "--quiet")
    return run_uv("pip", "compile", "-", *universal, *form, typed=requirements, cwd=folder)


def versions(lock_file: str) -> dict[str, set[str]]:
    """Returns the packages of a lock file with their versions; a package may have several, for different Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in _LOCKED.findall(lock_file):
        found.setdefault(name, set()).add(version)
    return found


def check_lock_file(path: Path) -> None:
    """Raises InvalidFile if a lock file has other versions than the authorizer, as after an update of this package."""
    text = read_file(path).decode("utf-8", "replace")
    own = versions(REQUIREMENTS.read_text("utf-8"))
    for name, found in versions(text).items():
        if name in own and own[name].isdisjoint(found):
            line = text.partition(f"{name}==")[0].count("\n") + 1
            expected = f"the authorizer is locked to {' or '.join(own[name])}: run `iot-authorizer lock` again"
            raise InvalidFile(path, line, f"{name}=={' or '.join(sorted(found))}", expected)


def install(directory: Path, target: Target, lock_files: Sequence[Path]) -> None:
    """Installs the packages of lock files into a directory, for a target. Raises UvError."""
    platform = () if target.platform is None else ("--python-platform", target.platform)
    copied = ("--link-mode", "copy")  # The mode and time of a link would also change in uv's cache.
    checked = ("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode")
    place = ("--python", sys.executable, "--target", str(directory), "--python-version", target.python, *platform)
    files = [word for file in lock_files for word in ("--requirements", str(file))]
    run_uv("pip", "install", *place, *copied, *checked, *files)
