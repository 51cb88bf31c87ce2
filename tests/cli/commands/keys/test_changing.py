"""A signing key is made or retired as a whole, or not at all."""

import os
import signal
import stat
from pathlib import Path

import pytest

from iot_authorizer_cli.commands.keys import changing
from iot_authorizer_cli.commands.keys.changing import make_key
from iot_core.whole_file import write_whole
from iot_policies import InvalidFile
from tests.cli.conftest import state


def test_ctrl_c_while_a_key_is_made_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(changing, "generate_private_key", interrupted)
    before = state(folder)
    with pytest.raises(KeyboardInterrupt):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert state(folder) == before


def test_ctrl_c_while_files_are_written_leaves_no_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, content: bytes, *, mode: int = 0o644) -> None:
        if path.name == "authorizer.toml":
            signal.raise_signal(signal.SIGINT)
        write_whole(path, content, mode=mode)

    monkeypatch.setattr(changing, "write_whole", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert list((folder / "keys").rglob("*.pem")) == []


def test_a_configuration_that_cannot_be_written_leaves_no_key(folder: Path) -> None:
    (folder / f".authorizer.toml.{os.getpid()}.partial").mkdir()  # Where it would be written first.
    with pytest.raises(OSError):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert list((folder / "keys").rglob("*.pem")) == []


def test_a_layout_that_cannot_be_kept_is_refused_before_a_key_is_made(folder: Path) -> None:
    (folder / "authorizer.toml").write_bytes(b'name = "chat"\rtoken_key_name = "token"\n')
    with pytest.raises(InvalidFile, match=r"authorizer\.toml: signing: expected it as in \[signing\] and public_keys"):
        make_key(folder / "authorizer.toml", "first", 2048)
    assert not (folder / "keys").exists()


def test_a_configuration_that_is_a_link_stays_one_and_keeps_its_mode(folder: Path) -> None:
    elsewhere = folder / "elsewhere.toml"
    (folder / "authorizer.toml").rename(elsewhere)
    elsewhere.chmod(0o600)
    (folder / "authorizer.toml").symlink_to(elsewhere)
    make_key(folder / "authorizer.toml", "first", 2048)
    assert (folder / "authorizer.toml").is_symlink()
    assert ("first" in elsewhere.read_text(), stat.S_IMODE(elsewhere.stat().st_mode)) == (True, 0o600)
