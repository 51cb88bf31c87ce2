"""The files of a new project."""

import tomllib
from pathlib import Path

import pytest

from iot_authorizer.configuration import load_configuration
from iot_authorizer_cdk.properties import check_authorizer_name
from iot_authorizer_cli.commands.init.package_source import PackageSource
from iot_authorizer_cli.commands.init.project_files import NewProject
from iot_authorizer_cli.project.ready_templates import ready_templates

HERE = PackageSource('{ path = "/somewhere" }', "/somewhere")


def new_project(folder: Path, source: PackageSource = HERE) -> NewProject:
    return NewProject(folder=folder, template="chat", policy=ready_templates()["chat"], source=source)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("chat", "chat"),
        ("My chat (2)", "My-chat-2"),
        ("../iot-authorizer/", "iot-authorizer"),
        ("überall", "berall"),
        ("日本", "authorizer"),
        ("x" * 200, "x" * 60),
        ("/", "authorizer"),
    ],
)
def test_the_authorizer_is_named_after_the_folder(folder: str, name: str) -> None:
    found = new_project(Path(folder)).name
    assert found == name
    check_authorizer_name("name", f"{found}-dev")


def test_pip_which_does_not_know_the_source_installs_nothing(tmp_path: Path) -> None:
    pyproject = tomllib.loads(new_project(tmp_path).files()[Path("pyproject.toml")].decode())
    assert "dependencies" not in pyproject["project"]
    assert pyproject["tool"]["uv"]["sources"] == {"iot-authorizer": {"path": "/somewhere"}}


@pytest.mark.parametrize("folder", ["iot-authorizer", "pytest", "cryptography"])
def test_the_project_has_the_name_of_no_package_that_it_needs(folder: str) -> None:
    pyproject = tomllib.loads(new_project(Path(folder)).files()[Path("pyproject.toml")].decode())
    assert pyproject["project"]["name"] == f"{folder}-project"


def test_values_are_quoted(tmp_path: Path) -> None:
    audience = 'a"\\b é {x}\u2603'
    jwt = {"issuer": "https://a", "audience": [audience], "algorithms": ["RS256"], "jwks": "https://a/keys"}
    project = NewProject(
        folder=tmp_path, template="chat", policy=ready_templates()["chat"], source=HERE, jwt=jwt, anonymous={"a": "b"}
    )
    project.write()
    found = load_configuration(tmp_path / "authorizer.toml", {})
    assert found.jwt[0].audience == (audience,)
    assert found.anonymous is not None
    assert found.anonymous.claims == {"a": "b"}


def test_a_local_wheel_is_copied(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"wheel")
    source = PackageSource("{}", "vendor/a.whl", wheel, Path("vendor/a.whl"))
    (tmp_path / "project").mkdir()
    new_project(tmp_path / "project", source).write()
    assert (tmp_path / "project/vendor/a.whl").read_bytes() == b"wheel"


def test_a_wheel_that_is_in_its_place_stays(tmp_path: Path) -> None:
    wheel = tmp_path / "vendor/a.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"wheel")
    project = new_project(tmp_path, PackageSource("{}", "vendor/a.whl", wheel, Path("vendor/a.whl")))
    assert project.existing() == []
    project.write()
    assert wheel.read_bytes() == b"wheel"


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "authorizer.toml").write_text("mine")
    with pytest.raises(FileExistsError):
        new_project(tmp_path).write()
    assert (tmp_path / "authorizer.toml").read_text() == "mine"
