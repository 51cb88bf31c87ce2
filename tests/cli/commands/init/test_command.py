"""What `init` writes and says, as a user sees it."""

import re
from pathlib import Path

import pytest

from iot_authorizer import development
from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.app.stages import read_stage, stages_of_file
from iot_authorizer_cdk.package.configuration import check_configuration, deployment_problems
from iot_authorizer_cli.project.ready_templates import ready_templates
from iot_policies import InvalidFile
from tests.cli.commands.init.conftest import Init
from tests.cli.conftest import state
from tests.cli.in_process import run_here

AUTH0 = ("--auth0", "example.eu.auth0.com", "--audience", "chat")
FILES = {
    ".github/workflows/test.yml",
    ".gitignore",
    "authorizer.toml",
    "cdk.json",
    "policies/chat.toml",
    "policies/chat.test.toml",
    "pyproject.toml",
    "uv.lock",
}


def written(project: Path) -> set[str]:
    return {path.removeprefix(f"{project}/") for path in state(project)}


def test_it_writes_a_project_and_says_the_next_commands(init: Init, project: Path) -> None:
    done = init(*AUTH0)
    assert done.returncode == 0, done.stderr
    assert written(project) == FILES
    assert "accepts tokens of https://example.eu.auth0.com/" in done.stdout
    commands = [line.partition("#")[0].split() for line in done.stdout.partition("Next:")[2].splitlines() if line]
    assert [command[-2:] for command in commands] == [
        ["iot-authorizer", "test"],
        ["iot-authorizer", "dev"],
        ["iot-authorizer", "build"],
        ["iot-authorizer", "deploy"],
    ]


def test_what_it_writes_can_be_built(init: Init, project: Path) -> None:
    init("broadcast", *AUTH0, "--passwords", "--anonymous")
    found = check_configuration(project / "authorizer.toml", {})
    assert (found.name, found.table) == ("My-chat", "My-chat-identities")
    assert read_stage(stages_of_file(project / "cdk.json"), "dev").identity_table


def test_without_credentials_only_the_development_issuer_is_accepted(init: Init, project: Path) -> None:
    done = init()
    assert "say in authorizer.toml whose tokens to trust" in done.stdout
    config = project / "authorizer.toml"
    assert not load_configuration(config, {development.KEYS: "keys.json"}).accepts_credentials
    with pytest.raises(InvalidFile, match="no client could be allowed"):
        load_configuration(config, {})


def test_with_the_comment_removed_its_example_is_an_issuer(init: Init, project: Path) -> None:
    init()
    config = project / "authorizer.toml"
    text = config.read_text()
    place = text.index("# [[jwt]]")
    config.write_text(text[:place] + text[place:].replace("# ", ""))
    assert load_configuration(config, {}).jwt[0].issuer == "https://auth.example.com/"


@pytest.mark.parametrize("name", sorted(FILES))
def test_it_never_overwrites(init: Init, project: Path, name: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("mine")
    before = state(project)
    done = init()
    assert (done.returncode, done.stdout, state(project)) == (2, "", before)
    assert done.stderr.startswith(f"iot-authorizer: found {name}: nothing is written: ")


def test_it_lists_everything_that_exists(init: Init, project: Path) -> None:
    init()
    assert f"found {', '.join(sorted(FILES))}: " in init().stderr


@pytest.mark.parametrize("name", ["authorizer.toml", "policies"])
def test_a_link_to_a_missing_file_is_in_the_way_too(init: Init, project: Path, tmp_path: Path, name: str) -> None:
    (project / name).symlink_to(tmp_path / "outside")
    assert f"found {name}: " in init().stderr
    assert not (tmp_path / "outside").exists()


def test_a_file_in_the_place_of_a_folder_is_in_the_way(init: Init, project: Path) -> None:
    (project / "policies").write_text("mine")
    assert "found policies: " in init().stderr


def test_other_files_of_the_folder_stay(init: Init, project: Path) -> None:
    (project / "policies").mkdir()
    (project / "policies/__init__.py").write_text("mine")
    assert init().returncode == 0
    assert (project / "policies/__init__.py").read_text() == "mine"


def test_if_uv_fails_it_says_what_is_left_to_do(init: Init, project: Path, uv: Path) -> None:
    uv.write_text("#!/bin/sh\necho no network >&2; exit 1\n")
    done = init()
    assert (done.returncode, done.stdout) == (2, "")
    assert "uv lock: no network: all files but uv.lock are written: remove the cause, and run `uv lock`" in done.stderr
    assert written(project) == FILES - {"uv.lock"}


def test_an_unknown_template_is_refused_with_those_that_exist(init: Init, project: Path) -> None:
    done = init("chta")
    assert (done.returncode, state(project)) == (2, {})
    assert ", ".join(ready_templates()) in done.stderr


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("fleet", "fleet grants nothing to clients without credentials"),
        ("chat", "clients without credentials could take over each other's sessions: choose public or broadcast"),
    ],
)
def test_anonymous_clients_are_refused_where_the_template_is_not_for_them(
    init: Init, project: Path, template: str, problem: str
) -> None:
    done = init(template, "--anonymous")
    assert (done.returncode, state(project)) == (2, {})
    assert problem in done.stderr


@pytest.mark.parametrize("template", ["public", "broadcast"])
def test_a_project_for_clients_without_credentials_can_be_built(init: Init, project: Path, template: str) -> None:
    assert init(template, "--anonymous").returncode == 0
    assert deployment_problems(project / "authorizer.toml") == ()


@pytest.mark.slow
@pytest.mark.parametrize("template", ready_templates())
def test_what_its_ci_workflow_runs_succeeds(init: Init, project: Path, template: str) -> None:
    init(template, *AUTH0)
    workflow = (project / ".github/workflows/test.yml").read_text()
    commands = re.findall(r"uv run --locked iot-authorizer (.*)", workflow)
    assert [command.split()[0] for command in commands] == ["lint", "prove", "test"]
    for command in commands:
        found = (str(path.relative_to(project)) for path in sorted(project.glob("policies/*.toml")))
        done = run_here(project, *command.replace("policies/*.toml", " ".join(found)).split())
        assert done.returncode == 0, done.stdout + done.stderr
