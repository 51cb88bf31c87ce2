"""Where a project takes `iot-authorizer` from: what the installer recorded."""

import json
from pathlib import Path

import pytest

from iot_authorizer_cdk.properties import InvalidSettings
from iot_authorizer_cli.commands.init.package_source import installed_from, read_source
from tests import ROOT

GIT = "https://git.example/a.git"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def source(url: str, **info: object) -> str:
    return read_source(json.dumps({"url": url, **info})).toml


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (GIT, GIT),
        ("https://user:secret@git.example/a.git", GIT),
        ("https://secret@git.example/a.git", GIT),
        ("ssh://git@git.example/a.git", "ssh://git@git.example/a.git"),
        ("git+ssh://git:secret@git.example:22/a.git", "git+ssh://git@git.example:22/a.git"),
    ],
)
def test_a_git_address_has_its_commit_and_no_secret(url: str, address: str) -> None:
    found = source(url, vcs_info={"vcs": "git", "commit_id": COMMIT, "requested_revision": "main"})
    assert found == f'{{ git = "{address}", rev = "{COMMIT}" }}'


def test_a_repository_on_this_machine_is_not_on_others() -> None:
    vcs = {"vcs": "git", "commit_id": COMMIT}
    assert read_source(json.dumps({"url": "file:///a", "vcs_info": vcs})).only_here


def test_a_subdirectory_is_kept() -> None:
    found = source(GIT, vcs_info={"vcs": "git", "commit_id": COMMIT}, subdirectory="a/b")
    assert found.endswith(', subdirectory = "a/b" }')


def test_an_archive_at_a_url_is_named_by_its_url() -> None:
    assert source("https://u:p@a.example/b.whl", archive_info={}) == '{ url = "https://a.example/b.whl" }'


def test_a_local_wheel_is_copied_into_the_project(tmp_path: Path) -> None:
    wheel = tmp_path / "a b-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    found = read_source(json.dumps({"url": wheel.as_uri(), "archive_info": {}}))
    assert (found.toml, found.file, found.only_here) == ('{ path = "vendor/a b-0.1.0-py3-none-any.whl" }', wheel, False)


@pytest.mark.parametrize(("info", "expected"), [({}, ""), ({"editable": True}, ", editable = true")])
def test_a_folder_is_named_by_its_path_which_only_this_machine_has(
    tmp_path: Path, info: dict[str, object], expected: str
) -> None:
    found = read_source(json.dumps({"url": tmp_path.as_uri(), "dir_info": info}))
    assert (found.toml, found.only_here) == (f'{{ path = "{tmp_path}"{expected} }}', True)


def test_the_bare_name_is_never_written() -> None:
    with pytest.raises(InvalidSettings, match="came from a package index: install it from a wheel"):
        read_source(None)


def test_a_wheel_that_no_longer_exists_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"gone\.whl: .* no longer exists"):
        source((tmp_path / "gone.whl").as_uri(), archive_info={})


def test_these_tests_run_in_an_editable_install() -> None:
    assert installed_from().toml == f'{{ path = "{ROOT}", editable = true }}'
