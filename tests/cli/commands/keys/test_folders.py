"""The folders of keys: only their owner can read private halves, and git ignores them."""

import stat
import subprocess
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys.changing import make_key
from iot_policies import InvalidFile
from tests.cli.conftest import Run
from tests.cli.dev import PROGRAM


def modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


def in_git(folder: Path) -> list[str]:
    """The files of `keys` that git adds."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    done = subprocess.run(["git", "ls-files", "keys"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_permissive_umask_opens_neither_half_to_other_users(folder: Path) -> None:
    subprocess.run(["sh", "-c", f"umask 000; {PROGRAM} keys new first"], cwd=folder, capture_output=True, check=True)
    keys = folder / "keys"
    assert modes(keys / "private/first.pem", keys / "private") == [0o600, 0o700]
    assert modes(keys / "first.pem", keys) == [0o644, 0o755]


def test_an_open_private_folder_is_closed(folder: Path) -> None:
    private = folder / "keys/private"
    private.mkdir(parents=True)
    private.chmod(0o755)
    make_key(folder / "authorizer.toml", "first", 2048)
    assert modes(private) == [0o700]


def test_git_ignores_the_private_half(run: Run, folder: Path) -> None:
    run("keys", "new", "first")
    assert in_git(folder) == ["keys/first.pem"]


@pytest.mark.parametrize("before", ["", "*.txt", "*\n!*.pem\n", "# *\n", "*\n"])
def test_an_existing_gitignore_is_extended(folder: Path, before: str) -> None:
    (folder / "keys/private").mkdir(parents=True)
    (folder / "keys/private/.gitignore").write_text(before)
    make_key(folder / "authorizer.toml", "first", 2048)
    assert in_git(folder) == ["keys/first.pem"]
    assert (folder / "keys/private/.gitignore").read_text().startswith(before)


def test_a_gitignore_that_is_a_link_is_replaced_since_git_does_not_follow_it(folder: Path) -> None:
    (folder / "keys/private").mkdir(parents=True)
    (folder / "ignored").write_text("*\n")
    (folder / "keys/private/.gitignore").symlink_to(folder / "ignored")
    make_key(folder / "authorizer.toml", "first", 2048)
    assert in_git(folder) == ["keys/first.pem"]


@pytest.mark.parametrize("link", ["keys", "keys/private"])
def test_no_key_is_made_in_a_folder_that_is_a_link(folder: Path, link: str) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    (folder / link).parent.mkdir(exist_ok=True)
    (folder / link).symlink_to(elsewhere)
    with pytest.raises(InvalidFile, match=rf"/{link}: is a link: expected a folder"):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert (modes(elsewhere), list(elsewhere.iterdir())) == ([0o755], [])
