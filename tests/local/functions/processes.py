"""Whether processes run."""

import time
from pathlib import Path

from tests.local.harness.channels import PATIENCE


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def ends(process: int) -> bool:
    """Whether a process ends within a moment."""
    deadline = time.monotonic() + PATIENCE
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(process)
