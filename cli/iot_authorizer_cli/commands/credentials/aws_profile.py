"""Writes a profile into the shared credentials file of AWS's SDKs and CLI.

- Only the section of this profile changes. Everything else stays byte for byte.
- A profile that this command did not write is never replaced: it may hold the only copy of a key.
- The file is replaced as a whole, and only its owner can read it. A symbolic link stays one.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from iot_core.whole_file import write_whole

_MARK = "# written by iot-authorizer credentials"
_NAME = re.compile(r"[A-Za-z0-9_.@-]+")


def check_profile_name(name: str) -> None:
    """Raises ValueError for a name that cannot be a section of the file."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected letters, digits and _ . @ -, found {name!r}")


def write_profile(path: Path, name: str, settings: Mapping[str, str]) -> None:
    """Writes a profile, or replaces one that was written before. Raises ValueError for another one, OSError."""
    path = path.resolve()
    before = path.read_bytes() if path.exists() else b""
    section = re.compile(rf"^[ \t]*\[[ \t]*{re.escape(name)}[ \t]*\][^\n]*(?:\n(?![ \t]*\[)[^\n]*)*\n?".encode(), re.M)
    lines = [f"[{name}]", _MARK, *(f"{key} = {value}" for key, value in settings.items())]
    written = "\n".join(lines).encode() + b"\n"
    found = section.search(before)
    if found is None:
        gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
        after = before + gap + written
    elif _MARK.encode() in found[0]:
        after = before[: found.start()] + written + _blank(found[0]) + before[found.end() :]
    else:
        raise ValueError(f"{path} has a profile {name} that this command did not write: choose another name")
    write_whole(path, after, mode=0o600)


def _blank(section: bytes) -> bytes:
    """The empty lines at the end of a section, which separate it from the next one."""
    return b"\n" * (len(section) - len(section.rstrip(b"\n")) - 1)
