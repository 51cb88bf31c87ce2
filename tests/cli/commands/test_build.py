"""`iot-authorizer build`: the Lambda directory of a project, and its size."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from iot_authorizer.preparation import read_preparation
from iot_authorizer_cdk.package.lambda_directory import directory_hash
from iot_authorizer_cdk.package.target import MARK, this_machine
from tests import UV
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

OTHER = "3.13" if this_machine().python != "3.13" else "3.12"
"""A version of Python that does not run this test."""
X86_64 = 62
"""e_machine of an ELF file (elf.h)."""


CONFIGURATION = """\
name     = "chat"
policy   = "policies/chat.toml"

[[jwt]]
issuer     = "https://auth.example.com/"
audience   = ["chat"]
algorithms = ["RS256"]
jwks       = "https://auth.example.com/jwks.json"
"""


def test_it_builds_for_the_stage_and_reports_the_largest_parts(run: Run, folder: Path) -> None:
    stages = {"prod": {"architecture": "x86_64", "python": OTHER}}
    (folder / "cdk.json").write_text(json.dumps({"context": {"stages": stages}}))
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    environment = {"UV": UV, "PATH": str(folder)}  # Without other interpreters.
    done = run("build", "--stage", "prod", "--output", "built", environment=environment)
    assert done.stderr == ""
    built = folder / "built"
    assert {path.read_bytes()[18] for path in built.rglob("*.so")} == {X86_64}
    (library,) = (built / "pydantic_core").glob("*.so")
    assert f"cpython-{OTHER.replace('.', '')}-" in library.name
    assert json.loads((built / MARK).read_text()).items() >= stages["prod"].items()
    first, *_, total, digest, proof, note, _ = done.stdout.splitlines()
    assert "cryptography" in first
    assert re.fullmatch(r" +\d+\.\d\d MB  built, \d+\.\d\d MB zipped", total)
    assert digest == f"sha256:{directory_hash(built)}"
    certificate = hashlib.sha256((folder / "built.proof.json").read_bytes()).hexdigest()
    assert proof == f"built.proof.json: policies/chat.toml: proved, sha256:{certificate}"
    assert note.startswith(f"python{OTHER} is not on this machine, so there is no bytecode")


def test_it_prepares_and_proves_with_the_topic_prefix_of_the_stage(run: Run, folder: Path) -> None:
    stages = {"dev": {"architecture": this_machine().architecture, "topic_prefix": "dev"}}
    (folder / "cdk.json").write_text(json.dumps({"context": {"stages": stages}}))
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    done = run("build", "--stage", "dev", "--output", "built")
    assert done.returncode == 0, done.stderr
    found = read_preparation(folder / "built/authorizer.toml", {"AUTHORIZER__TOPIC_PREFIX": "dev"})
    assert found is not None
    assert "topic/dev/" in json.dumps(found.plan.to_json())
    assert json.loads((folder / "built.proof.json").read_text())["template"]["topic_prefix"] == "dev"


def test_what_is_not_proved_is_a_warning(run: Run, folder: Path) -> None:
    with (folder / "policies/chat.toml").open("a") as file:
        file.write('\n[[grant]]\nname = "wide"\nwiden = true\npublish = ["a/+/b/#"]\n')
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    done = run("build", "--architecture", "host")
    assert done.returncode == 0
    assert "build/lambda.proof.json: policies/chat.toml: not covered, sha256:" in done.stdout
    expected = 'warning: policies/chat.toml: not proved as a whole: grant "wide", publish = "a/+/b/#": `widen` allows'
    assert done.stderr.startswith(expected)


REFUSED = {
    "--architecture host --output .": r"contains .*authorizer\.toml, and a build replaces it",
    "--config other.toml": r"other\.toml: file not found",
    "--python 2.7": r"--python: expected one of 3\.11, 3\.12, 3\.13, 3\.14, found '2\.7'",
    "--stage prod": "cdk.json: file not found: run this in the folder of your project",
}


@pytest.mark.parametrize(("options", "problem"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_built_is_one_line(run: Run, options: str, problem: str) -> None:
    done = run("build", *options.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(problem, done.stderr)
    assert done.stderr.count("\n") == 1


def test_without_uv_it_says_where_to_get_it(run: Run, folder: Path) -> None:
    (folder / "authorizer.toml").write_text(CONFIGURATION)
    done = run("build", environment={"UV": str(folder / "uv")})
    assert done.stderr == (
        f"iot-authorizer: {folder}/uv: No such file or directory: install uv (https://docs.astral.sh/uv/), or name it "
        "in the variable UV\n"
    )
    assert not list(Path(folder, "build").glob("*"))
