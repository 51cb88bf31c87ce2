"""`iot-authorizer check`: whether a certificate of `prove` holds, found out without the code of the prover."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import iot_policies
from iot_authorizer_cli.checking.certificate_checker import check as problems_of
from iot_authorizer_cli.checking.certificate_checker import program_in
from iot_authorizer_cli.checking.certificate_file import InvalidCertificate, read_certificate
from iot_authorizer_cli.terminal import tell
from iot_policies import InvalidFile
from iot_policies.errors import printable
from iot_policies.proofs.prover import ASSUMPTIONS
from iot_policies.toml_file import read_file

_RENDER = "from iot_authorizer_cli.entry_point import main; main()"
_MOST_SHOWN = 20


def check(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="What `prove --certificate` wrote.")],
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="The template; default: the certificate names it.")
    ] = None,
    principals: Annotated[
        int, typer.Option("--principals", metavar="N", min=0, max=100_000, help="Also try this many random principals.")
    ] = 50,
) -> None:
    """Check a certificate of `prove` with independent code.

    Reads the template itself, and gets policies from `iot-authorizer render`. Exits with 0 if the certificate holds,
    with 1 otherwise.
    """
    try:
        found = read_certificate(read_file(certificate))
    except InvalidCertificate as error:
        wrong = f"expected a certificate, as `prove --certificate` writes it: {error}"
        raise InvalidFile(certificate, None, "", wrong) from None
    path = policy or Path(found["template"]["name"])
    content = read_file(path)
    render = partial(_rendered, path, found["template"]["topic_prefix"])
    program = program_in(Path(iot_policies.__file__).parent, ASSUMPTIONS)
    problems = list(problems_of(found, content, render, program, principals=principals))
    for problem in problems[:_MOST_SHOWN]:
        typer.echo(printable(f"{path}: {problem}"))
    if problems:
        tell(f"{certificate}: does not hold: {len(problems)} problems")
        raise typer.Exit(1)
    typer.echo(printable(f"{certificate}: holds for {path}, tried with {principals} random principals"))


def _rendered(policy: Path, prefix: str, asked: Sequence[Mapping[str, object]]) -> Sequence[object]:
    """Runs `iot-authorizer render` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "principals.jsonl"
        file.write_text("".join(f"{json.dumps(each)}\n" for each in asked), "ascii")
        command = [sys.executable, "-c", _RENDER, "render", str(policy), "--principals", str(file)]
        done = subprocess.run(  # noqa: S603 (this program itself)
            [*command, "--topic-prefix", prefix], capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise InvalidFile(policy, None, "", f"`iot-authorizer render` failed: {done.stderr.strip()}")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asked):
        raise InvalidFile(policy, None, "", f"`iot-authorizer render` gave {len(answers)} answers for {len(asked)}")
    return answers
