"""Bytecode for Lambda: written by the interpreter that will read it, and never looked at again.

Time stamps are lost once a zip has fixed dates, and Lambda's directory can't be written, so that stale bytecode costs
a compilation at each cold start: the bytecode is checked by no time and no hash (PEP 552, `unchecked-hash`).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from iot_authorizer_cdk.settings import InvalidSettings


def find_interpreter(version: str) -> Path | None:
    """An interpreter of a minor version such as `3.14` on this machine; None where there is none."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    candidates = (Path(sys.executable), *(Path(folder) / f"python{version}" for folder in folders))
    return next((program for program in candidates if _is(program, version)), None)


def compile_sources(interpreter: Path, directory: Path) -> None:
    """Compiles all sources of a directory, which stands in Lambda at /var/task. Raises InvalidSettings."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(directory), "-p", "/var/task"]
    command = [str(interpreter), "-I", "-m", "compileall", *options, str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        failed = re.search(r"File \"/var/task/(.+?)\", line (\d+)", done.stdout)
        place = f"{failed[1]}:{failed[2]}: " if failed else ""
        said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise InvalidSettings(f"{place}{said[-1] if said else 'does not compile'}")


def _is(program: Path, version: str) -> bool:
    """Whether a program is that interpreter: a version manager's may stand for one that is not installed."""
    script = "import sys; print(f'{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}')"
    try:
        done = subprocess.run([program, "-I", "-c", script], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == f"cpython {version}"
