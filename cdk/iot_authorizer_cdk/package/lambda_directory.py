"""The directory that becomes the Lambda function.

1. It holds the locked and hashed dependencies for its target, the sources, and the configuration with its files. The
   sources are those that are installed here, so an installed wheel builds the same directory as the repository. A
   handler of your own adds its code and its packages.
2. The configuration is checked first, as the Lambda reads it when it starts. Variables of this machine are ignored.
3. It is built beside its place and moved there at the end, as a whole. A failed build changes nothing, and one that is
   interrupted leaves no part of a directory there.
4. What is prepared and proved are the files in it, even if the project's files change meanwhile
   (`iot_authorizer.preparation`, `shipped_proof.py`).
5. Two builds of the same version are equal, byte for byte: modes and times are fixed.
"""

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from iot_authorizer.preparation import preparation_path, write_preparation
from iot_authorizer_cdk.package.configuration import (
    CONFIGURATION,
    SAMPLE_TABLE,
    TABLE,
    CheckedConfiguration,
    check_configuration,
)
from iot_authorizer_cdk.package.locked_packages import REQUIREMENTS, check_lock_file, install
from iot_authorizer_cdk.package.own_code import own_code
from iot_authorizer_cdk.package.shipped_proof import ShippedProof, certificate_path, prove_shipped
from iot_authorizer_cdk.package.target import (
    LAMBDA,
    MARK,
    Target,
    check_replaceable,
    compile_sources,
    find_interpreter,
    standard_library,
    write_target,
)
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidFile
from iot_policies.toml_file import invalid_file, read_toml

_PACKAGES = ("iot_authorizer", "iot_identities", "iot_policies")
"""The packages that run in Lambda."""
_NOT_IN_LAMBDA = ("iot_policies/proofs", "iot_policies/testing")
"""Folders of these packages that only the command line and the build use."""
_PROGRAMS = "bin"
_UNUSED = (
    "cffi",  # Only building needs it: the bindings load `_cffi_backend`.
    "pycparser",
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parser",
)
"""Parts of the dependencies that the authorizer never imports. Code of your own may."""
_TESTS = "annotated_types/test_cases.py"
"""pytest would collect it from the CDK's output folder in the user's project."""
_NOT_SHIPPED = ("*.pyi", "py.typed", "*.pyc", ".lock", "*.c", "*.h", _TESTS)
_METADATA = ("METADATA", "entry_points.txt")
"""The files of a `.dist-info` that are kept, for `importlib.metadata`: others say how and where it was installed."""
LARGEST = 262_144_000
"""Bytes of a function's directory (Lambda quotas, "Deployment package size", unzipped)."""
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
    proof: ShippedProof | None
    """What was proved about its policy template; None if all grants come from code."""


def build(config: Path, directory: Path, target: Target = LAMBDA, variables: Mapping[str, str] | None = None) -> Built:
    """Builds the directory and replaces one that was built before.

    `variables` are those of the function that replace values of the configuration. A configuration that needs an
    identity table passes without one: the construct may add it.

    Raises UvError, InvalidFile, InvalidSettings, OSError.
    """
    check_replaceable(directory, config, Path.cwd(), *_sources())
    given = variables or {}
    checked = _checked(config, given)
    code = own_code(config, checked.own_functions)
    locked = [REQUIREMENTS, *_own_requirements(config, checked)]
    interpreter = find_interpreter(target.python)
    place = directory.resolve()  # It may be a symbolic link.
    staging = place.with_name(f"{place.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        install(staging, target, locked)
        _prune(staging, _UNUSED if code is None else ())
        _copy_sources(staging)
        if code is not None:
            code.check(staging, standard_library(interpreter))
        _copy(config, staging / CONFIGURATION)
        _copy_files(config, checked.files | (frozenset() if code is None else code.files), staging)
        write_target(staging, target)
        checked = _checked(staging / CONFIGURATION, given)  # The project's files may have changed since.
        if checked.preparation is not None:
            write_preparation(checked.preparation, staging / CONFIGURATION, checked.files, given)
        if interpreter is not None:
            compile_sources(interpreter, staging)
        _normalize(staging)
        _check_size(staging)
        proof = prove_shipped(staging, checked, certificate_path(directory))  # Last: it keeps its certificate.
        _replace(place, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Built(directory, target.python, interpreter is not None, proof)


def _replace(place: Path, staging: Path) -> None:
    """Moves a directory to its place, and removes the one that was there."""
    previous = place.with_name(f"{staging.name}.previous")
    try:
        if place.exists():
            place.rename(previous)
        staging.rename(place)
    finally:
        if previous.exists() and not place.exists():
            previous.rename(place)
        shutil.rmtree(previous, ignore_errors=True)


def _checked(config: Path, variables: Mapping[str, str]) -> CheckedConfiguration:
    """Checks a configuration; if no table is known yet, with a stand-in that its preparation does not have."""
    if TABLE in variables or "table" in read_toml(config)[0]:
        return check_configuration(config, variables)
    checked = check_configuration(config, {TABLE: SAMPLE_TABLE, **variables})
    preparation = None if checked.preparation is None else replace(checked.preparation, table=None)
    return replace(checked, preparation=preparation)


def _own_requirements(config: Path, checked: CheckedConfiguration) -> list[Path]:
    """Returns the lock file with the packages of the user's code, if there is one. Raises InvalidFile."""
    if checked.requirements is None:
        return []
    path = config.parent / checked.requirements
    if not path.is_file():
        expected = f"{checked.requirements} does not exist: `iot-authorizer lock` makes it"
        raise invalid_file(config, read_toml(config)[1], ("requirements",), expected)
    check_lock_file(path)
    return [path]


def _prune(directory: Path, unused: Iterable[str]) -> None:
    for name in (_PROGRAMS, *unused):
        shutil.rmtree(directory / name, ignore_errors=True)
    for pattern in _NOT_SHIPPED:
        for path in directory.rglob(pattern):
            path.unlink()
    for distribution in directory.glob("*.dist-info"):
        for path in distribution.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in _METADATA:
                path.unlink()


def _sources() -> list[Path]:
    """Returns the folders of the packages that run in Lambda, as they are installed here."""
    found = [find_spec(package) for package in _PACKAGES]
    return [Path(spec.origin).parent for spec in found if spec is not None and spec.origin is not None]


def _copy_sources(staging: Path) -> None:
    for folder in _sources():
        for source in sorted(folder.rglob("*.py")):
            name = folder.name / source.relative_to(folder)
            if not any(name.is_relative_to(left_out) for left_out in _NOT_IN_LAMBDA):
                _copy(source, staging / name)


def _copy_files(config: Path, files: frozenset[Path], staging: Path) -> None:
    own = (MARK, preparation_path(Path(CONFIGURATION)).name)  # Some file systems ignore case.
    if taken := sorted(str(name) for name in files if name.parts[0].lower() in own or (staging / name).exists()):
        raise InvalidFile(config, None, "", f"{', '.join(taken)}: the Lambda has files with these names: rename yours")
    for name in files:
        _copy(config.parent / name, staging / name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _check_size(staging: Path) -> None:
    size = sum(path.stat().st_size for path in all_below(staging) if path.is_file())
    if size > LARGEST:
        problem = (
            f"{size / 1e6:.0f} MB, but Lambda takes at most {LARGEST / 1e6:.0f}: remove packages or files of yours"
        )
        raise InvalidSettings(f"the Lambda directory has {problem}")


def _normalize(staging: Path) -> None:
    """Sets one time for all files, and modes that Lambda's user can read, with any umask."""
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
