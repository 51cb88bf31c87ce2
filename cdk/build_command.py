"""`python -m cdk.build_command`: builds the Lambda directory and says how large it is."""

import argparse
import hashlib
import io
import sys
import zipfile
from collections import Counter
from pathlib import Path

from cdk.lambda_directory import LAMBDA, Target, all_below, build
from cdk.settings import InvalidSettings
from cdk.uv_program import UvError
from policies import InvalidFile

ROOT = Path(__file__).parent.parent
DIRECTORY = Path("build/lambda")
_MOST_UNZIPPED, _MOST_ZIPPED = 30_000_000, 10_000_000
"""Bytes: larger functions start slower."""
_SHOWN = 8


def main() -> None:
    """Builds. Errors are one line on standard error, and exit code 1."""
    arguments = _parser().parse_args()
    platform = None if arguments.platform == "host" else arguments.platform
    try:
        built = build(ROOT, arguments.config, arguments.output, Target(arguments.python, platform))
    except (UvError, InvalidFile, InvalidSettings, OSError) as error:
        sys.exit(f"build: {error}")
    print(report(built.directory))
    if not built.compiled:
        print(f"no python{arguments.python} on this machine: no .pyc files, and about 0.2 s more at each cold start")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cdk.build_command",
        description="Build the directory that becomes the Lambda function.",
        epilog="Example: python -m cdk.build_command --config authorizer.toml --output build/lambda",
    )
    parser.add_argument("--config", type=Path, default=Path("authorizer.toml"), help="the configuration")
    parser.add_argument("--output", type=Path, default=DIRECTORY, help=f"the directory; {DIRECTORY} unless given")
    parser.add_argument("--python", default=LAMBDA.python, help=f"the minor version; {LAMBDA.python} unless given")
    parser.add_argument("--platform", default=LAMBDA.platform, help=f"as uv names it, or host; {LAMBDA.platform}")
    return parser


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
