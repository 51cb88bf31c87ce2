"""The programs that are installed beside this one, as a user types them."""

import shlex
import sys
from pathlib import Path


def installed_program(name: str) -> str:
    """A program of this environment, quoted for a shell in this folder. It works with any PATH."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        return name
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
