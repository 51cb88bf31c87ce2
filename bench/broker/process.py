"""What Linux says of another process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """The processor time that it has used so far, with all its threads; counted in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Its resident set size (VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@contextmanager
def placed(pid: int, *, one_core: bool) -> Iterator[None]:
    """Keeps this process and another's main thread on a core each for a while, or both on one.

    Where the scheduler chooses, it changes its mind between rounds, and a figure may be half or double.
    """
    before = {process: os.sched_getaffinity(process) for process in (0, pid)}
    try:
        os.sched_setaffinity(0, {min(before[0])})
        os.sched_setaffinity(pid, {min(before[0]) if one_core else max(before[0])})
        yield
    finally:
        for process, cores in before.items():
            os.sched_setaffinity(process, cores)
