"""`iot-authorizer build`: the directory that becomes the Lambda function."""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from iot_authorizer_cdk.app.stages import Stage, read_stage, stages_of_file
from iot_authorizer_cdk.package.configuration import TOPIC_PREFIX
from iot_authorizer_cdk.package.lambda_directory import all_below, directory_hash, zipped_size
from iot_authorizer_cdk.package.lambda_directory import build as build_directory
from iot_authorizer_cdk.package.target import LAMBDA, Target, this_machine
from iot_authorizer_cdk.properties import PythonVersion
from iot_authorizer_cli.options import CONFIG, Config, require_config
from iot_authorizer_cli.terminal import tell
from iot_policies.errors import printable

_SHOWN = 8
"""Parts of the directory that the report lists by name."""


class Architecture(StrEnum):
    """A processor to build for."""

    ARM64 = "arm64"
    X86_64 = "x86_64"
    HOST = "host"


def _python_version(version: str | None) -> str | None:
    if version is not None and version not in get_args(PythonVersion):
        expected = f"expected one of {', '.join(get_args(PythonVersion))}, found {version!r}"
        raise typer.BadParameter(expected, param_hint="--python")
    return version


def build(
    config: Config = CONFIG,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Build this directory, and replace an earlier build.")
    ] = Path("build/lambda"),
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage", metavar="NAME", help="Build for a stage of cdk.json: its python, architecture and topic_prefix."
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="VERSION",
            callback=_python_version,
            help=f"Build for Python 3.x; default: the stage's, or {LAMBDA.python}.",
        ),
    ] = None,
    architecture: Annotated[
        Architecture | None,
        typer.Option(
            "--architecture",
            help=f"Build for this processor (host: this machine's); default: the stage's, or {LAMBDA.architecture}.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Build the directory that becomes the Lambda function.

    It has the configuration with its files, this version of the authorizer, and its locked dependencies for Lambda.
    Two builds of the same files are equal, byte for byte. Proves the policy template, as `prove` does, and writes the
    certificate beside the directory, as DIR.proof.json.
    """
    require_config(config)
    settings = None if stage is None else read_stage(stages_of_file(), stage)
    prefix = None if settings is None else settings.topic_prefix
    variables = {} if prefix is None else {TOPIC_PREFIX: prefix}
    built = build_directory(config, output, _target(settings, python, architecture), variables)
    typer.echo(report(built.directory))
    if built.proof is not None:
        typer.echo(printable(f"{built.proof.certificate}: {built.proof.policy}: {built.proof.summary}"))
        if built.proof.warning is not None:
            tell(f"warning: {built.proof.warning}")
    if not built.has_bytecode:
        typer.echo(f"python{built.python} is not on this machine, so there is no bytecode and a cold start takes about")
        typer.echo(f"0.2 s longer: `uv python install {built.python}` installs it")


def _target(stage: Stage | None, python: str | None, architecture: Architecture | None) -> Target:
    """What the options say, else the stage. Raises InvalidSettings."""
    found = LAMBDA if stage is None else Target(stage.python, stage.architecture)
    version = python or found.python
    if architecture is Architecture.HOST:
        return this_machine(version)
    return Target(version, found.architecture if architecture is None else architecture.value)


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
