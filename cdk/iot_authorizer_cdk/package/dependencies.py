"""Installs what the function depends on: the locked versions, for its platform, without what it never loads."""

import os
import shutil
import subprocess
from pathlib import Path

from iot_authorizer_cdk.package.target import Target

_UNUSED = (
    "bin",
    "cffi",  # Only building needs it: the bindings load `_cffi_backend`.
    "pycparser",
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parser",
)
"""Parts of the dependencies that the authorizer never imports."""
_NOT_SHIPPED = ("*.pyi", "py.typed", "*.pyc", ".lock", "*.c", "*.h")
_METADATA = "METADATA"
"""The only file of a `.dist-info` that is kept: the others say how and where it was installed."""


class UvError(Exception):
    """uv is missing or failed. The text says why."""


def install(root: Path, directory: Path, target: Target) -> None:
    """Installs the locked, hashed dependencies of a checkout into a directory. Raises UvError."""
    requirements = directory.with_suffix(".txt")
    export = ("--locked", "--no-default-groups", "--no-emit-project", "--output-file", str(requirements))
    platform = () if target.platform is None else ("--python-platform", target.platform)
    copied = ("--link-mode", "copy")  # The mode and time of a link would also change in uv's cache.
    checked = ("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode")
    place = ("--target", str(directory), "--python-version", target.python, *platform)
    try:
        _run_uv("export", *export, cwd=root)
        _run_uv("pip", "install", *place, *copied, *checked, "--requirements", str(requirements), cwd=root)
    finally:
        requirements.unlink(missing_ok=True)
    _prune(directory)


def _prune(directory: Path) -> None:
    for name in _UNUSED:
        shutil.rmtree(directory / name, ignore_errors=True)
    for pattern in _NOT_SHIPPED:
        for path in directory.rglob(pattern):
            path.unlink()
    for distribution in directory.glob("*.dist-info"):
        for path in distribution.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _METADATA:
                path.unlink()


def _run_uv(*arguments: str, cwd: Path) -> None:
    """Runs the uv that the variable UV names, the user's on PATH, or the one that `make` installed."""
    program = os.environ.get("UV") or shutil.which("uv") or str(cwd / ".uv/bin/uv")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    try:
        done = subprocess.run(
            [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UvError(f"{program}: {error.strerror}: install uv, or run `make build`") from None
    if done.returncode:
        raise UvError(f"uv {arguments[0]}: {' '.join(done.stderr.split())}")
