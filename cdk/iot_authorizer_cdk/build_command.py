"""`python -m cdk.build_command`: builds the Lambda directory and says how large it is."""

import argparse
import hashlib
import io
import sys
import zipfile
from collections import Counter
from pathlib import Path

from iot_authorizer_cdk.lambda_directory import all_below, build
from iot_authorizer_cdk.settings import InvalidSettings
from iot_authorizer_cdk.stages import read_stage, stages_of_file
from iot_authorizer_cdk.target import LAMBDA, Target, this_machine
from iot_authorizer_cdk.uv_program import UvError
from iot_policies import InvalidFile

ROOT = Path(__file__).parents[2]
DIRECTORY = Path("build/lambda")
_MOST_UNZIPPED, _MOST_ZIPPED = 30_000_000, 10_000_000
"""Bytes: larger functions start slower."""
_SHOWN = 8


def main() -> None:
    """Builds. Errors are one line on standard error, and exit code 1."""
    arguments = _parser().parse_args()
    try:
        target = _target(arguments)
        built = build(ROOT, arguments.config, arguments.output, target)
    except (UvError, InvalidFile, InvalidSettings, OSError) as error:
        sys.exit(f"build: {error}")
    print(report(built.directory))
    if not built.compiled:
        print(
            f"no python{target.python} on this machine: no .pyc files, and about 0.2 s more at each cold start;"
            f" `uv python install {target.python}` brings it"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cdk.build_command",
        description="Build the directory that becomes the Lambda function.",
        epilog="Example: python -m cdk.build_command --config authorizer.toml --output build/lambda",
    )
    parser.add_argument("--config", type=Path, default=Path("authorizer.toml"), help="the configuration")
    parser.add_argument("--output", type=Path, default=DIRECTORY, help=f"the directory; {DIRECTORY} unless given")
    parser.add_argument("--stage", help="a stage of cdk.json, which says what it runs on")
    parser.add_argument("--python", help=f"the minor version; the stage's, or {LAMBDA.python}")
    architectures = ("arm64", "x86_64", "host")
    parser.add_argument("--architecture", choices=architectures, help=f"the stage's, or {LAMBDA.architecture}")
    return parser


def _target(arguments: argparse.Namespace) -> Target:
    """What the options say, else the stage. Raises InvalidSettings, OSError."""
    of_stage = LAMBDA if arguments.stage is None else read_stage(stages_of_file(), arguments.stage).target
    python = arguments.python or of_stage.python
    if arguments.architecture == "host":
        return this_machine(python)
    return Target(python, arguments.architecture or of_stage.architecture)


def report(directory: Path) -> str:
    """The size by part, in all and zipped, and a hash that two builds of the same have in common."""
    sizes: Counter[str] = Counter()
    for path in all_below(directory):
        if path.is_file():
            sizes[path.relative_to(directory).parts[0]] += path.stat().st_size
    largest = sizes.most_common(_SHOWN)
    rest = sizes.total() - sum(size for _, size in largest)
    lines = [f"{size / 1e6:8.2f} MB  {name}" for name, size in largest]
    lines.append(f"{rest / 1e6:8.2f} MB  the rest")
    lines.append(f"{sizes.total() / 1e6:8.2f} MB  {directory}, {zipped_size(directory) / 1e6:.2f} MB zipped")
    return "\n".join([*lines, f"sha256:{directory_hash(directory)}"])


def directory_hash(directory: Path) -> str:
    """SHA-256 over the name, the mode and the content of each file."""
    found = hashlib.sha256()
    for path in all_below(directory):
        found.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_mode:o}\0".encode())
        if path.is_file():
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def zipped_size(directory: Path) -> int:
    """Bytes of the directory as a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in all_below(directory):
            if path.is_file():
                archive.write(path, path.relative_to(directory))
    return content.tell()


if __name__ == "__main__":
    main()
