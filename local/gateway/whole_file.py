"""Files that are written whole or not at all, and keys that nobody else reads."""

import os
from pathlib import Path

from policies import InvalidFile


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Writes a file so that whoever reads it, after a crash too, finds the old content or the new one.

    Makes the folder, for its owner alone, where it is missing. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def require_private(path: Path) -> None:
    """Checks that a key is for its owner alone. Raises InvalidFile."""
    if others_can_use(path):
        raise InvalidFile(path, None, "", "others can read it: chmod 600, or remove it, and a new one is made")


def others_can_use(path: Path) -> bool:
    """Whether a file is for others than its owner too, as ssh asks of a key. Raises OSError."""
    return path.stat().st_mode & 0o077 != 0
