"""The directory that becomes the Lambda function.

1. It holds the locked and hashed dependencies for its target, the sources, and the configuration with its files. The
   sources are those that are installed here, and `requirements.txt` beside this file is exported from `uv.lock`: an
   installed wheel builds the same directory as the repository.
2. The configuration is checked first, as the Lambda reads it when it starts. Variables of this machine are ignored.
3. It is built beside its place and moved there at the end. A failed build changes nothing.
4. Two builds of the same version are equal, byte for byte: modes and times are fixed.
5. uv installs the dependencies with its user's settings, so that a company's package index is used. The hashes make
   sure that the files are the same from any index.
"""

import hashlib
import io
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from iot_authorizer_cdk.package.configuration import CONFIGURATION, SAMPLE_TABLE, TABLE, check_configuration
from iot_authorizer_cdk.package.target import (
    LAMBDA,
    Target,
    check_replaceable,
    compile_sources,
    find_interpreter,
    write_target,
)
from iot_authorizer_cdk.package.uv import run_uv
from iot_policies import InvalidFile

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_PACKAGES = ("iot_authorizer", "iot_identities", "iot_policies")
"""The packages that run in Lambda."""
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
_TIME = 946_684_800
"""2000-01-01. Zip files have no times before 1980."""


@dataclass(frozen=True, slots=True)
class Built:
    """A directory that was built."""

    directory: Path
    python: str
    """The minor version of Python that it is for."""
    has_bytecode: bool
    """Whether this machine had an interpreter of the target's version to compile with."""


def build(config: Path, directory: Path, target: Target = LAMBDA) -> Built:
    """Builds the directory and replaces one that was built before.

    A configuration that needs an identity table passes without one: the construct may add it.

    Raises UvError, InvalidFile, InvalidSettings, OSError.
    """
    check_replaceable(directory, config, *_sources())
    files = check_configuration(config, {TABLE: SAMPLE_TABLE}).files
    staging = directory.with_name(f"{directory.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        _install(staging, target)
        _copy_sources(staging)
        _copy(config, staging / CONFIGURATION)
        write_target(staging, target)
        _copy_files(config, files, staging)
        interpreter = find_interpreter(target.python)
        if interpreter is not None:
            compile_sources(interpreter, staging)
        _normalize(staging)
        shutil.rmtree(directory, ignore_errors=True)
        staging.rename(directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Built(directory, target.python, interpreter is not None)


def _install(directory: Path, target: Target) -> None:
    """Installs the locked, hashed dependencies into a directory."""
    platform = () if target.platform is None else ("--python-platform", target.platform)
    copied = ("--link-mode", "copy")  # The mode and time of a link would also change in uv's cache.
    checked = ("--only-binary", ":all:", "--require-hashes", "--no-compile-bytecode")
    place = ("--python", sys.executable, "--target", str(directory), "--python-version", target.python, *platform)
    run_uv("pip", "install", *place, *copied, *checked, "--requirements", str(_REQUIREMENTS))
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


def _sources() -> list[Path]:
    """Returns the folders of the packages that run in Lambda, as they are installed here."""
    found = [find_spec(package) for package in _PACKAGES]
    return [Path(spec.origin).parent for spec in found if spec is not None and spec.origin is not None]


def _copy_sources(staging: Path) -> None:
    for folder in _sources():
        for source in sorted(folder.rglob("*.py")):
            _copy(source, staging / folder.name / source.relative_to(folder))


def _copy_files(config: Path, files: frozenset[Path], staging: Path) -> None:
    if taken := sorted(str(name) for name in files if (staging / name).exists()):
        raise InvalidFile(config, None, "", f"{', '.join(taken)}: the Lambda has files with these names: rename yours")
    for name in files:
        _copy(config.parent / name, staging / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _normalize(staging: Path) -> None:
    """Sets one time for all files, and modes that Lambda's user can read whatever the umask was."""
    for path in all_below(staging):
        path.chmod(0o755 if path.is_dir() or path.suffix == ".so" else 0o644)
        os.utime(path, (_TIME, _TIME))


def all_below(directory: Path) -> Iterator[Path]:
    """Yields everything in a directory, sorted."""
    return iter(sorted(directory.rglob("*")))


def directory_hash(directory: Path) -> str:
    """Returns SHA-256 over the name, mode and content of each file."""
    found = hashlib.sha256()
    for path in all_below(directory):
        found.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_mode:o}\0".encode())
        if path.is_file():
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def zipped_size(directory: Path) -> int:
    """Returns the bytes of the directory as a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in all_below(directory):
            if path.is_file():
                archive.write(path, path.relative_to(directory))
    return content.tell()
