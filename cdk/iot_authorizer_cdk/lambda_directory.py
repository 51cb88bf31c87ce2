"""The directory that becomes the Lambda function: `python -m cdk.build_command`, which `make build` runs.

Locked and hashed dependencies for the function's platform, the sources, and the configuration with the files that it
names. Two builds of the same commit are the same, byte for byte.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iot_authorizer_cdk.compiling import compile_sources, find_interpreter
from iot_authorizer_cdk.settings import CONFIGURATION, SOME_TABLE, TABLE, read_settings
from iot_authorizer_cdk.target import LAMBDA, Target, check_replaceable, write_target
from iot_authorizer_cdk.uv_program import run_uv
from iot_policies import InvalidFile

SOURCES = ("authorizer/iot_authorizer", "identities/iot_identities", "policies/iot_policies")
"""The packages that run in Lambda, as folders of the checkout."""
_UNUSED = (
    "bin",
    "cffi",  # Only building needs it: the bindings load `_cffi_backend`.
    "pycparser",
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parser",
)
"""Parts of the dependencies that nothing of ours imports."""
_NOT_SHIPPED = ("*.pyi", "py.typed", "*.pyc", ".lock", "*.c", "*.h")
_TIME = 946_684_800
"""2000-01-01: zip files know no time before 1980."""
_METADATA = "METADATA"
"""All of a `.dist-info` that is kept: the rest says how and where it was installed."""


@dataclass(frozen=True, slots=True)
class Built:
    """A directory that was built."""

    directory: Path
    compiled: bool
    """Whether it has .pyc files: they take the interpreter that runs them."""


def build(root: Path, config: Path, directory: Path, target: Target = LAMBDA) -> Built:
    """Builds the directory anew, in place of one that was built before; `root` has the sources and `uv.lock`.

    The configuration is checked first, and as it stands: the environment overrides nothing here, since it is another in
    Lambda. Whether there is an identity table is left to the construct, which may give one.

    Raises UvError, InvalidFile, InvalidSettings, OSError.
    """
    check_replaceable(directory, root, config)
    files = read_settings(config, {TABLE: SOME_TABLE}).files
    directory = directory.absolute()  # uv runs in `root`.
    staging = directory.with_name(f"{directory.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        _install(root, staging, target)
        _prune(staging)
        _copy_sources(root, staging)
        _copy(config, staging / CONFIGURATION)
        write_target(staging, target)
        for name in files:
            if (staging / name).exists():
                raise InvalidFile(config, None, "", f"{name}: the Lambda has a file of that name: give yours another")
            _copy(config.parent / name, staging / name)
        interpreter = find_interpreter(target.python)
        if interpreter is not None:
            compile_sources(interpreter, staging)
        _normalize(staging)
        shutil.rmtree(directory, ignore_errors=True)
        staging.rename(directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Built(directory, interpreter is not None)


def _install(root: Path, staging: Path, target: Target) -> None:
    requirements = staging.with_suffix(".txt")
    where = [] if target.platform is None else ["--python-platform", target.platform]
    try:
        run_uv(
            "export",
            "--locked",
            "--no-default-groups",
            "--no-emit-project",
            "--output-file",
            str(requirements),
            cwd=root,
        )
        run_uv(
            *("pip", "install", "--target", str(staging), "--python-version", target.python, *where),
            *("--link-mode", "copy"),  # Links into uv's cache would have their modes and times changed there too.
            *(
                "--only-binary",
                ":all:",
                "--require-hashes",
                "--no-compile-bytecode",
                "--requirements",
                str(requirements),
            ),
            cwd=root,
        )
    finally:
        requirements.unlink(missing_ok=True)


def _prune(staging: Path) -> None:
    for name in _UNUSED:
        shutil.rmtree(staging / name, ignore_errors=True)
    for pattern in _NOT_SHIPPED:
        for path in staging.rglob(pattern):
            path.unlink()
    for distribution in staging.glob("*.dist-info"):
        for path in distribution.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _METADATA:
                path.unlink()


def _copy_sources(root: Path, staging: Path) -> None:
    for folder in map(Path, SOURCES):
        for source in sorted((root / folder).glob("*.py")):
            _copy(source, staging / folder.name / source.name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _normalize(staging: Path) -> None:
    """Modes that Lambda's user can read, whoever built it with whatever umask, and one time for all files."""
    for path in all_below(staging):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".so" else 0o644)
        os.utime(path, (_TIME, _TIME))


def all_below(directory: Path) -> Iterator[Path]:
    """Everything in a directory, in one order."""
    return iter(sorted(directory.rglob("*")))
