"""Files are written whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iot_core.whole_file import unfinished, write_once, write_whole

KILLED = """
import os, signal
from pathlib import Path
from iot_core.whole_file import write_whole
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_whole(Path("key.pem"), b"half of it")
"""


def kill_a_writer(folder: Path) -> Path:
    """What a writer of `key.pem` leaves that was killed."""
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=folder, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = unfinished(folder)
    return left.path


def test_writing_leaves_only_the_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "key.pem", b"whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key.pem", b"whole")]


def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as refused:
        write_whole(tmp_path / "key.pem", b"whole")
    assert (refused.value.filename, list(tmp_path.iterdir())) == (str(tmp_path / "key.pem"), [])


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_is_written_once_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    if not has_links:
        monkeypatch.setattr(os, "link", fail)
    write_once(tmp_path / "key.pem", b"whole", mode=0o600)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key.pem", b"whole")]


def test_a_file_that_another_process_makes_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: (tmp_path / "key.pem").write_bytes(b"other"))
    write_once(tmp_path / "key.pem", b"whole", mode=0o600)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("key.pem", b"other")]


def test_a_killed_writer_leaves_the_old_content(tmp_path: Path) -> None:
    write_whole(tmp_path / "key.pem", b"before")
    kill_a_writer(tmp_path)
    assert (tmp_path / "key.pem").read_bytes() == b"before"


def test_the_next_writer_removes_the_partial_file_of_a_killed_one(tmp_path: Path) -> None:
    kill_a_writer(tmp_path)
    write_whole(tmp_path / "key.pem", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_a_partial_file_of_the_same_process_id_is_replaced(tmp_path: Path) -> None:
    kill_a_writer(tmp_path).rename(tmp_path / f".key.pem.{os.getpid()}.partial")
    write_whole(tmp_path / "key.pem", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


@pytest.mark.parametrize(
    "name",
    [f".key.pem.{os.getppid()}.partial", ".other.pem.4194305.partial", "key.pem.2025", ".key.pem.old.partial"],
    ids=["of one who still writes", "of another file", "a user's copy", "a user's file"],
)
def test_other_files_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    write_whole(tmp_path / "key.pem", b"whole")
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_failed_writer_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    def fail(_: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(failure):
        write_whole(tmp_path / "key.pem", b"whole")
    assert list(tmp_path.iterdir()) == []
