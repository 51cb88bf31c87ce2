"""Writes files whole or not at all, and checks that only their owner can read private keys."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from iot_policies import InvalidFile

_PARTIAL = re.compile(r"\.(.+)\.([0-9]+)\.partial", re.DOTALL)


class Unfinished(NamedTuple):
    """A partial file: its writer is still writing it, or was killed."""

    path: Path
    name: str
    """The name of the file that it would have become."""
    process: int
    """The writer's ID."""


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Writes a file, so that readers find the old content or the new content, after a crash too.

    It makes a missing folder for its owner only, and removes partial files of killed writers of this file. Raises
    OSError with the file's name, also for an error that has none of its own, such as a full disk.
    """
    _write(path, content, mode, lambda partial: partial.replace(path))


def write_once(path: Path, content: bytes, *, mode: int) -> None:
    """Writes a file as `write_whole` does, unless it exists: of processes that do so at once, one makes the file."""

    def keep_first(partial: Path) -> None:
        try:
            path.hardlink_to(partial)
        except FileExistsError:
            partial.unlink()
        except OSError:  # A file system without links: the last one makes the file.
            partial.replace(path)
        else:
            partial.unlink()

    _write(path, content, mode, keep_first)


def _write(path: Path, content: bytes, mode: int, finish: Callable[[Path], object]) -> None:
    """Writes a partial file that `finish` turns into the file. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in unfinished(path.parent):
        if left.name == path.name and not _is_another_running(left.process):
            left.path.unlink(missing_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        finish(partial)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def unfinished(folder: Path) -> Iterator[Unfinished]:
    """All partial files of a folder; none if there is no folder."""
    for path in folder.glob(".*.partial"):
        if match := _PARTIAL.fullmatch(path.name):
            yield Unfinished(path, match[1], int(match[2]))


def require_private(path: Path) -> None:
    """Checks that only its owner can use a private key. Raises InvalidFile."""
    if others_can_use(path):
        raise InvalidFile(path, None, "", "other users can read it: run chmod 600, or remove it, and a new one is made")


def others_can_use(path: Path) -> bool:
    """Whether users other than its owner can use a file; ssh checks the same of a key. Raises OSError."""
    return path.stat().st_mode & 0o077 != 0


def _is_another_running(process: int) -> bool:
    """Whether another process has this ID and runs. Each container counts its own processes from 1."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
