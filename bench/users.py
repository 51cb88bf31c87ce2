"""Users: the import of many users, of passwords that must be hashed, and a list that does not hold all users at once.

Each command is a process of its own, with the table of this machine. Seconds are those of a clock: hashing uses all
processors.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from argon2 import PasswordHasher

from bench.bounds import Bounds

USERS, FEW, PASSWORDS = 100_000, 1000, 1000
_COMMAND = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: print(Path("/proc/self/status").read_text(), file=sys.stderr))
from iot_authorizer_cli.entry_point import main
main()
"""
_MOST_MEGABYTES = 10


def report(bounds: Bounds) -> None:
    """Prints the seconds of each command, and how much more memory the list of more users takes."""
    stored = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("right")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (seconds, _), (listed, most) = _import_and_list(folder / "many", _rows(stored, USERS))
        _, (_, least) = _import_and_list(folder / "few", _rows(stored, FEW))
        chosen = [("name", "password"), *((f"user-{number}", f"right horse {number}") for number in range(PASSWORDS))]
        hashed = _import(folder / "passwords", chosen)[0]
    print(f"users   iot-authorizer users, {USERS:,} users with hashes and claims, {PASSWORDS:,} with passwords")
    for title, figure, most_allowed in (
        (f"import {USERS:,} users, s", seconds, bounds.time(7.5)),
        (f"import {PASSWORDS:,} passwords, s", hashed, bounds.time(12)),
        (f"list {USERS:,} users, s", listed, bounds.time(4)),
        (f"list {USERS:,} users, MB more than {FEW:,}", most - least, _MOST_MEGABYTES),
    ):
        print(f"        {title:38}{figure:7.1f}   {bounds.at_most(f'users: {title}', figure, most_allowed)}")
    print()


def _rows(stored: str, number: int) -> Iterable[Sequence[str]]:
    yield "name", "hash", "claims"
    for index in range(number):
        yield f"user-{index:06}", stored, json.dumps({"rooms": ["lobby", f"room-{index % 50}"]})


def _import_and_list(folder: Path, rows: Iterable[Sequence[str]]) -> Sequence[tuple[float, float]]:
    return _import(folder, rows), _run(folder, "list")


def _import(folder: Path, rows: Iterable[Sequence[str]]) -> tuple[float, float]:
    folder.mkdir()
    with (folder / "users.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return _run(folder, "import", "users.csv")


def _run(folder: Path, *arguments: str) -> tuple[float, float]:
    """The seconds of a command, and the most megabytes that it held."""
    command = [sys.executable, "-c", _COMMAND, "users", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    kilobytes = next(line.split()[1] for line in done.stderr.splitlines() if line.startswith("VmHWM:"))
    return seconds, int(kilobytes) / 1000
