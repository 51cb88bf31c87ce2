"""Files that are written whole or not at all, and keys that nobody else reads."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from iot_policies import InvalidFile

_PARTIAL = re.compile(r"\.(.+)\.([0-9]+)\.partial", re.DOTALL)


class Unfinished(NamedTuple):
    """A file that is not whole: it is being written, or was when its writer was killed."""

    path: Path
    name: str
    """Of the file that it would have become."""
    process: int
    """The writer's ID."""


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Writes a file so that whoever reads it, after a crash too, finds the old content or the new one.

    Makes the folder, for its owner alone, where it is missing. Removes what writers of this file left that were killed.
    Raises OSError.
    """
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
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def unfinished(folder: Path) -> Iterator[Unfinished]:
    """All files of a folder that are not whole. None where there is no folder."""
    for path in folder.glob(".*.partial"):
        if match := _PARTIAL.fullmatch(path.name):
            yield Unfinished(path, match[1], int(match[2]))


def require_private(path: Path) -> None:
    """Checks that a key is for its owner alone. Raises InvalidFile."""
    if others_can_use(path):
        raise InvalidFile(path, None, "", "others can read it: chmod 600, or remove it, and a new one is made")


def others_can_use(path: Path) -> bool:
    """Whether a file is for others than its owner too, as ssh asks of a key. Raises OSError."""
    return path.stat().st_mode & 0o077 != 0


def _is_another_running(process: int) -> bool:
    """Whether a process of this ID runs that is not this one: containers count from 1, each."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
