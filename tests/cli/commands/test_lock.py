"""`iot-authorizer lock`: the packages of a handler of your own, locked against those of the authorizer."""

from pathlib import Path

import pytest

from iot_authorizer_cdk.package.lambda_directory import build
from iot_authorizer_cdk.package.locked_packages import REQUIREMENTS, versions
from iot_policies import InvalidFile
from tests.cli.conftest import Run, refused, state

pytestmark = pytest.mark.slow

CONFIGURATION = '# mine\r\nname = "chat"\r\nhandler = "rules.lambda_handler"  # also mine\r\n\r\n[own]\r\n'


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "authorizer.toml").write_bytes(CONFIGURATION.encode())
    (folder / "rules.py").write_text("import iniconfig\n\ndef lambda_handler(event, context): ...\n")
    return folder


def test_it_locks_what_is_named_and_names_the_lock_file(run: Run, project: Path) -> None:
    done = run("lock", "iniconfig>=2")
    (version,) = versions((project / "lambda.txt").read_text())["iniconfig"]
    assert done.stdout.splitlines() == [
        "lambda.in: added iniconfig>=2",
        f"lambda.txt: 1 package with hashes: iniconfig {version}",
        'authorizer.toml: added requirements = "lambda.txt"',
        "to run it here too: uv pip install --require-hashes --requirements lambda.txt",
    ]
    assert (project / "lambda.in").read_text() == "iniconfig>=2\n"
    assert "--hash=sha256:" in (project / "lambda.txt").read_text()
    named = '# also mine\r\nrequirements = "lambda.txt"\r\n\r\n'
    assert (project / "authorizer.toml").read_bytes().decode() == CONFIGURATION.replace("# also mine\r\n\r\n", named)


def test_it_locks_what_the_file_says_and_adds_what_is_new(run: Run, project: Path) -> None:
    (project / "authorizer.toml").write_text(
        'name = "chat"\nhandler = "rules.lambda_handler"\nrequirements = "own.txt"\n'
    )
    (project / "own.in").write_text("# mine\niniconfig")
    before = state(project)
    assert "own.txt: 1 package" in run("lock").stdout
    changed = {Path(name).name for name, content in state(project).items() if before.get(name) != content}
    assert changed == {"own.txt"}
    run("lock", "iniconfig", "pluggy")
    assert (project / "own.in").read_text() == "# mine\niniconfig\npluggy\n"


def test_what_the_authorizer_has_too_is_locked_to_its_version(run: Run, project: Path) -> None:
    run("lock", "pydantic")
    own = versions(REQUIREMENTS.read_text())
    assert {name: own[name] for name in versions((project / "lambda.txt").read_text())}.items() <= own.items()


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("pydantic<2", "you require pydantic<2 and pydantic=="),
        ("not a requirement", "uv pip: error: Couldn't parse requirement"),
    ],
)
def test_what_cannot_be_locked_changes_nothing(run: Run, project: Path, requirement: str, problem: str) -> None:
    before = state(project)
    assert problem in refused(run, "lock", requirement)
    assert state(project) == before


def test_without_requirements_it_says_where_to_write_them(run: Run, project: Path) -> None:
    assert "lambda.in does not exist: write one requirement in each line, or name them" in refused(run, "lock")


def test_without_a_handler_it_says_which_keys_to_add(run: Run, project: Path) -> None:
    (project / "authorizer.toml").write_text('name = "chat"\n')
    added = 'add handler and requirements = "lambda.txt" above the first [table]'
    assert f"authorizer.toml: {added}\n" in run("lock", "iniconfig").stdout


def test_a_lock_of_another_version_of_the_authorizer_is_refused_with_its_line(run: Run, project: Path) -> None:
    run("lock", "iniconfig")
    with (project / "lambda.txt").open("a") as file:
        file.write("pydantic==2.0 --hash=sha256:00\n")
    count = len((project / "lambda.txt").read_text().splitlines())
    expected = rf"lambda\.txt:{count}: pydantic==2\.0: the authorizer is locked to .*: run `iot-authorizer lock` again"
    with pytest.raises(InvalidFile, match=expected):
        build(project / "authorizer.toml", project / "built")
