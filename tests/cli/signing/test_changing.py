"""A signing key is made or retired as a whole, or not at all."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iot_authorizer_cli.signing import changing
from iot_authorizer_cli.signing.changing import make_key
from iot_authorizer_cli.signing.key_ring import read_key_ring
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile


def state(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ctrl_c_while_a_key_is_made_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(changing, "generate_private_key", interrupted)
    before = state(folder)
    with pytest.raises(KeyboardInterrupt):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert state(folder) == before


def interrupt_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes with the first file that is written."""

    def interrupted(path: Path, content: bytes, *, mode: int = 0o644) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        write_whole(path, content, mode=mode)

    monkeypatch.setattr(changing, "write_whole", interrupted)


def test_ctrl_c_while_files_are_written_waits_until_all_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_writing(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        make_key(folder / "authorizer.toml", "first", 2048)
    pair = read_key_ring(folder / "authorizer.toml").find("first")
    assert pair.sign(b"x")


def test_ctrl_c_while_a_key_is_retired_waits_until_it_is(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(config, "new", 2048)
    interrupt_writing(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        changing.retire_key(config, "old")
    assert list(read_key_ring(config).public_files) == ["new"]
    assert list((config.parent / "keys").rglob("old*")) == []


def test_a_configuration_that_can_not_be_written_leaves_no_key(folder: Path) -> None:
    (folder / f".authorizer.toml.{os.getpid()}.partial").mkdir()  # Where it would be written first.
    with pytest.raises(OSError):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert list((folder / "keys").rglob("*.pem")) == []


def test_a_layout_that_can_not_be_kept_is_refused_before_a_key_is_made(folder: Path) -> None:
    (folder / "authorizer.toml").write_bytes(b'name = "chat"\rtoken_key_name = "token"\n')
    with pytest.raises(InvalidFile, match=r"authorizer\.toml: signing: expected it as in \[signing\] and public_keys"):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert not (folder / "keys").exists()


def test_a_configuration_that_is_a_link_stays_one_and_for_whom_it_was(folder: Path) -> None:
    elsewhere = folder / "elsewhere.toml"
    (folder / "authorizer.toml").rename(elsewhere)
    elsewhere.chmod(0o600)
    (folder / "authorizer.toml").symlink_to(elsewhere)
    make_key(folder / "authorizer.toml", "first", 2048)
    assert (folder / "authorizer.toml").is_symlink()
    assert ("first" in elsewhere.read_text(), stat.S_IMODE(elsewhere.stat().st_mode)) == (True, 0o600)


AT_THE_SAME_TIME = """
import fcntl
from pathlib import Path
from iot_authorizer_cli.signing.changing import make_key
lock = fcntl.flock
def told(*arguments):
    print("waits", flush=True)
    lock(*arguments)
fcntl.flock = told
make_key(Path("authorizer.toml"), "other", 2048)
print("done")
"""


def meet_another(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> Callable[[], int]:
    """Has somebody else make a key when a step of ours begins, which goes on once they wait, or are done already.

    What it gives waits for their end, and gives their exit code.
    """
    function = getattr(changing, step)
    others: list[subprocess.Popen[str]] = []

    def meet(*arguments: object) -> object:
        command = [sys.executable, "-c", AT_THE_SAME_TIME]
        others.append(subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True))
        assert others[0].stdout is not None
        others[0].stdout.readline()
        return function(*arguments)

    def end() -> int:
        others[0].communicate()
        return others[0].returncode

    monkeypatch.setattr(changing, step, meet)
    return end


def test_two_that_make_a_key_at_the_same_time_make_two(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_ends = meet_another(folder, monkeypatch, "generate_private_key")
    make_key(folder / "authorizer.toml", "one", 2048)
    assert other_ends() == 0
    assert list(read_key_ring(folder / "authorizer.toml").public_files) == ["one", "other"]


def test_who_makes_a_key_while_another_is_retired_has_room_for_it(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(config, "new", 2048)
    other_ends = meet_another(config.parent, monkeypatch, "without_key")
    changing.retire_key(config, "old")
    assert other_ends() == 0
    assert list(read_key_ring(config).public_files) == ["new", "other"]
