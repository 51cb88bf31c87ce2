"""What a refused password costs, whoever it is refused for: the table of identities in SQLite, in turns.

The distributions lie on one another where a guesser can learn nothing from the time of an answer.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from iot_authorizer import Credentials, CredentialSource, Refusal
from iot_authorizer.table_passwords import TablePasswords
from iot_identities.guessing import GuessingLimits
from iot_identities.passwords import hash_password
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import StoredPassword, User, to_item

ROUNDS = 200
_NEVER = GuessingLimits(lock_after=10**6)
_AT_ONCE = GuessingLimits(lock_after=1)


def report() -> None:
    """Prints the distribution of each case, and how far its median is from that of a wrong password."""
    with tempfile.TemporaryDirectory() as folder:
        times = _measure(Path(folder))
    wrong = statistics.median(times["wrong password"])
    print(f"guessing  one refusal in milliseconds, {ROUNDS} rounds in turns, argon2id with OWASP's profile")
    print(f"{'':30}{'min':>8}{'p25':>8}{'median':>8}{'p75':>8}{'p95':>8}   to a wrong password's median")
    for name, found in times.items():
        quarter, median, three_quarters = statistics.quantiles(found, n=4)
        most = statistics.quantiles(found, n=20)[-1]
        columns = "".join(f"{value:8.2f}" for value in (min(found), quarter, median, three_quarters, most))
        print(f"          {name:20}{columns}   {100 * (median / wrong - 1):+.1f} %")
    print()


def _measure(folder: Path) -> dict[str, list[float]]:
    table = SqliteTable(folder / "identities.sqlite")
    for name, passwords, disabled in (("ann", 1, False), ("rotated", 2, False), ("disabled", 1, True)):
        stored = tuple(StoredPassword(hash_password(f"right {number}")) for number in range(passwords))
        table.write(to_item(User(name, stored, disabled=disabled)))
    verifier, locking = TablePasswords(table, _NEVER), TablePasswords(table, _AT_ONCE)
    cases: dict[str, Callable[[], float]] = {
        "wrong password": lambda: _milliseconds(verifier, "ann", b"wrong"),
        "unknown user": lambda: _milliseconds(verifier, "nobody", b"wrong"),
        "of two, none": lambda: _milliseconds(verifier, "rotated", b"wrong"),
        "right, but disabled": lambda: _milliseconds(verifier, "disabled", b"right 0"),
        "locked, wrong": lambda: _milliseconds(locking, "ann", b"wrong"),
        "locked, right": lambda: _milliseconds(locking, "ann", b"right 0"),
        "locked, unknown": lambda: _milliseconds(locking, "nobody", b"wrong"),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, case in cases.items():
            times[name].append(case())
    return times


def _milliseconds(verifier: TablePasswords, name: str, password: bytes) -> float:
    credentials = Credentials(CredentialSource.PASSWORD, user_name=name, password=password, client_id="stranger")
    started = time.perf_counter()
    try:
        verifier.verify(credentials)
    except Refusal:
        return (time.perf_counter() - started) * 1000
    raise AssertionError(f"{name} was let in")
