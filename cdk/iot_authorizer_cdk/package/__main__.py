"""`python -m iot_authorizer_cdk.package`: builds the Lambda directory and prints its size."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from iot_authorizer_cdk.app.stages import read_stage, stages_of_file
from iot_authorizer_cdk.package.lambda_directory import UvError, all_below, build, directory_hash, zipped_size
from iot_authorizer_cdk.package.target import LAMBDA, Target, this_machine
from iot_authorizer_cdk.properties import InvalidSettings
from iot_policies import InvalidFile

_ROOT = Path(__file__).parents[3]
_DIRECTORY = Path("build/lambda")
_SHOWN = 8
"""Parts of the directory that the report lists by name."""


def main() -> None:
    """Builds the directory. An error is one line on standard error and exit code 1."""
    arguments = _parser().parse_args()
    try:
        target = _target(arguments)
        built = build(_ROOT, arguments.config, arguments.output, target)
    except (UvError, InvalidFile, InvalidSettings, OSError) as error:
        sys.exit(f"build: {error}")
    print(report(built.directory))
    if not built.has_bytecode:
        print(
            f"python{target.python} is not on this machine, so there is no bytecode and a cold start takes about 0.2 s"
            f" longer: `uv python install {target.python}` installs it"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m iot_authorizer_cdk.package",
        description="Build the directory that becomes the Lambda function.",
        epilog="Example: python -m iot_authorizer_cdk.package --config authorizer.toml --output build/lambda",
    )
    default = "default: %(default)s"
    parser.add_argument("--config", type=Path, default=Path("authorizer.toml"), help=f"the configuration; {default}")
    parser.add_argument("--output", type=Path, default=_DIRECTORY, help=f"the directory to build; {default}")
    parser.add_argument("--stage", help="the stage in cdk.json whose python and architecture to build for")
    parser.add_argument("--python", help=f"the minor version of Python; default: the stage's, else {LAMBDA.python}")
    parser.add_argument(
        "--architecture",
        choices=("arm64", "x86_64", "host"),
        help=f"the processor; host is this machine's; default: the stage's, else {LAMBDA.architecture}",
    )
    return parser


def _target(arguments: argparse.Namespace) -> Target:
    """Returns what the options say, else the stage. Raises InvalidSettings, OSError."""
    default = LAMBDA
    if arguments.stage is not None:
        stage = read_stage(stages_of_file(), arguments.stage)
        default = Target(stage.python, stage.architecture)
    python = arguments.python or default.python
    if arguments.architecture == "host":
        return this_machine(python)
    return Target(python, arguments.architecture or default.architecture)


def report(directory: Path) -> str:
    """Returns the size by part, in total and zipped, and a hash that is the same for equal builds."""
    sizes: Counter[str] = Counter()
    for path in all_below(directory):
        if path.is_file():
            sizes[path.relative_to(directory).parts[0]] += path.stat().st_size
    largest = sizes.most_common(_SHOWN)
    rest = sizes.total() - sum(size for _, size in largest)
    lines = [f"{size / 1e6:8.2f} MB  {name}" for name, size in largest]
    lines.append(f"{rest / 1e6:8.2f} MB  other files")
    lines.append(f"{sizes.total() / 1e6:8.2f} MB  {directory}, {zipped_size(directory) / 1e6:.2f} MB zipped")
    return "\n".join([*lines, f"sha256:{directory_hash(directory)}"])


if __name__ == "__main__":
    main()
