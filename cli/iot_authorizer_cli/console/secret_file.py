"""The console's secret in the data folder.

It is made once, and readable only by its owner. If the file is removed, the next start of `dev` makes a new one.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from iot_core.whole_file import require_private, write_once
from iot_policies import InvalidFile

SECRET_FILE = "console-secret"  # noqa: S105 (it is no password)
"""The file's name."""
PARAMETER = "secret"
"""The query parameter of a page's URL that has the secret."""
BEARER = "Bearer "
"""What precedes the secret in the header of a program."""
_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43,}")


def console_secret(folder: Path) -> str:
    """The secret in a data folder; made if it is missing. Raises InvalidFile, OSError."""
    path = folder / SECRET_FILE
    if not path.exists():
        write_once(path, f"{secrets.token_urlsafe(_BYTES)}\n".encode(), mode=0o600)
    return _read(path)


def known_secret(folder: Path) -> str | None:
    """The secret in a data folder; None if `dev` has never run with this folder. Raises InvalidFile, OSError."""
    path = folder / SECRET_FILE
    return _read(path) if path.exists() else None


def authorization(secret: str) -> Mapping[str, str]:
    """The header with which a program sends the secret."""
    return {"Authorization": f"{BEARER}{secret}"}


def _read(path: Path) -> str:
    require_private(path)
    found = path.read_text("utf-8", "replace").strip()
    if not _SECRET.fullmatch(found):
        raise InvalidFile(path, None, "", "not a secret of the console: remove the file, and a new one is made")
    return found
