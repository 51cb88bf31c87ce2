"""Reads and writes durations such as `30s`, `15m`, `24h` and `7d`, and writes times as AWS does."""

import re
import time

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9})([smhd])", re.ASCII)


def seconds(text: str) -> int:
    """Turns a duration such as `15m` into whole seconds. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError('expected a number and a unit, as in "30s", "15m", "24h" or "7d"')
    return int(match[1]) * _UNITS[match[2]]


def duration_text(seconds: int) -> str:
    """Writes a duration with as few units as say it exactly, such as `15m` or `15m 10s`."""
    found = []
    for unit, size in sorted(_UNITS.items(), key=lambda each: -each[1]):
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count}{unit}")
    return " ".join(found) or "0s"


def utc_text(at: float) -> str:
    """Writes a time in seconds since 1970 as AWS does, in whole seconds: `2026-11-29T18:30:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
