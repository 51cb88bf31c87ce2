"""Reads users from a CSV file (RFC 4180) and checks each line. A problem never quotes a cell."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from iot_authorizer.user_claims import check_user_name
from iot_authorizer_cli.bad_lines import BadLine
from iot_authorizer_cli.commands.users.rules import (
    SHORTEST_GENERATED,
    check_chosen,
    checked_claims,
    parsed_flag,
    parsed_time,
)
from iot_identities.passwords import PasswordDigest, check_hash
from iot_identities.user import StoredPassword, User

Value = TypeVar("Value")

COLUMNS = ("name", "password", "hash", "generated", "claims", "valid_until", "disabled")
_STATES = frozenset(("claims", "valid_until", "disabled"))
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEADER = f"expected a header, with name and any of {', '.join(COLUMNS[1:])}, separated by commas"

_Line = TypeVar("_Line")


@dataclass(frozen=True, slots=True)
class Row:
    """A user from a line. Its password is not hashed yet, because that takes a while."""

    user: User
    password: str | PasswordDigest | None = field(default=None, repr=False)
    """The password, or what another program stores of it."""
    generated: bool = False
    """Whether the password is random, with too many bits to guess."""
    columns: frozenset[str] = frozenset(COLUMNS)
    """The columns of the file."""

    @property
    def has_password(self) -> bool:
        """Whether the line has a password or its hash."""
        return self.password is not None or bool(self.user.passwords)

    def over(self, before: User) -> User:
        """An existing user with what the line says. Without a password in the line, the user's passwords stay."""
        said = {name: getattr(self.user, name) for name in _STATES & self.columns}
        if self.user.passwords:
            said |= {"passwords": self.user.passwords, "rotated_at": self.user.rotated_at}
        return replace(before, **said)


def read_users(content: bytes, now: int) -> tuple[list[Row], list[BadLine]]:
    """The users of a CSV file, created `now` (seconds since 1970), and the wrong lines."""
    lines = _lines(content)
    try:
        header = _header(next(lines, (1, [])))
    except _Broken as error:
        return [], [BadLine(error.number, error.problem)]
    columns = frozenset(header)
    return read_rows(lines, lambda cells: _row(header, columns, cells, now))


def read_rows(lines: Iterable[tuple[int, _Line]], read: Callable[[_Line], Row]) -> tuple[list[Row], list[BadLine]]:
    """The users of numbered lines, and the wrong lines: those that `read` refuses, and a user's second line.

    `read` raises ValueError for a wrong line.
    """
    rows: list[Row] = []
    bad: list[BadLine] = []
    first: dict[str, int] = {}
    for number, line in lines:
        try:
            row = read(line)
            if (before := first.setdefault(row.user.name, number)) != number:
                raise ValueError(f"the user is already in line {before}")
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
        else:
            rows.append(row)
    return rows, bad


class _Broken(Exception):
    """A file without a readable header."""

    def __init__(self, number: int, problem: str) -> None:
        self.number, self.problem = number, problem
        super().__init__(problem)


def _lines(content: bytes) -> Iterator[tuple[int, Sequence[str] | str]]:
    """The number of each line that is not empty, with its cells or what is wrong with it."""
    if content.startswith(_UTF_16) or b"\0" in content[:4]:
        yield 1, "the file is in UTF-16: save it as CSV in UTF-8"
        return
    # Bytes that are not UTF-8 become surrogates, which mark the lines to report.
    text = content.decode(errors="surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"invalid CSV: {error}"
            continue
        if any(cells):
            yield number, cells if _is_utf_8(cells) else "not in UTF-8"


def _is_utf_8(cells: Sequence[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return False
    return True


def _header(line: tuple[int, Sequence[str] | str]) -> Sequence[str]:
    number, cells = line
    if isinstance(cells, str):
        raise _Broken(number, cells)
    header = [cell.strip() for cell in cells]
    if "name" not in header:  # The line may be a user with a password, so it is not quoted.
        raise _Broken(number, _HEADER)
    for place, column in enumerate(header):
        if column not in COLUMNS:
            raise _Broken(number, f"unknown column {column!r}: {_HEADER}")
        if column in header[:place]:
            raise _Broken(number, f"duplicate column {column}")
    return header


def _row(header: Sequence[str], columns: frozenset[str], cells: Sequence[str] | str, now: int) -> Row:
    """Raises ValueError."""
    if isinstance(cells, str):
        raise ValueError(cells)
    if len(cells) != len(header):
        raise ValueError(f"expected {len(header)} cells, as in the header, found {len(cells)}")
    found = dict(zip(header, cells, strict=True))
    name = _cell(found, "name", check_user_name) or check_user_name("")
    password = _cell(found, "password", lambda chosen: _checked_password(chosen, name))
    encoded = _cell(found, "hash", check_hash)
    if password and encoded:
        raise ValueError("expected a password or a hash, found both")
    generated = _cell(found, "generated", parsed_flag) or False
    if generated and password is not None and len(password) < SHORTEST_GENERATED:
        raise ValueError(f"generated: a random password has at least {SHORTEST_GENERATED} characters")
    user = User(
        name=name,
        passwords=(StoredPassword(encoded, created_at=now, generated=generated),) if encoded else (),
        claims=_cell(found, "claims", checked_claims) or {},
        disabled=_cell(found, "disabled", parsed_flag) or False,
        valid_until=_cell(found, "valid_until", parsed_time),
        created_at=now,
        rotated_at=now,
    )
    return Row(user, password, generated, columns)


def _cell(found: Mapping[str, str], column: str, check: Callable[[str], Value]) -> Value | None:
    """The value of a cell; None if it is empty or missing. Raises ValueError that names the column."""
    text = found.get(column)
    if not text:
        return None
    try:
        return check(text)
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None


def _checked_password(password: str, name: str) -> str:
    check_chosen(password.encode(), name)
    return password
