"""Keeps the passwords that an import generates in a CSV file that only its owner can read. It can be imported too."""

import csv
import fcntl
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from iot_authorizer_cli.commands.users.rules import SHORTEST_GENERATED, made_password

_HEADER = ["name", "password", "generated"]
_LAST_CELL = b",true"
_FOREIGN = "expected no file, or one that an import wrote: it has other content"


class PasswordFile:
    """Generates passwords for users that have none in the file, and writes them there before they are used.

    An interrupted import loses none, and the next one uses the same.
    """

    def __init__(self, file: int) -> None:
        """`file` is open for reading and appending. Raises ValueError for other content, and OSError."""
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise ValueError("expected a regular file")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError("another import is writing it") from None
        self._file = file
        self._passwords = self._read()
        os.fchmod(file, 0o600)

    def passwords_of(self, names: Iterable[str]) -> Mapping[str, str]:
        """A password for each user, by name. Raises OSError."""
        names = list(names)
        made = {name: made_password() for name in names if name not in self._passwords}
        self._append([name, password, "true"] for name, password in made.items())
        self._passwords |= made
        return {name: self._passwords[name] for name in names}

    def _read(self) -> dict[str, str]:
        with open(self._file, "rb", closefd=False) as file:
            content = file.read()
        # An editor may have removed the last line end. Any other rest was cut off, and no user has that password.
        ended = content + b"\n" if content.endswith(_LAST_CELL) else content
        whole = ended[: ended.rfind(b"\n") + 1]
        if not whole and not ",".join(_HEADER).encode().startswith(content):
            raise ValueError(_FOREIGN)
        passwords = _passwords(whole)
        if len(ended) > len(content):
            os.write(self._file, b"\n")
        os.ftruncate(self._file, len(whole))
        if not whole:
            self._append([_HEADER])
        return passwords

    def _append(self, lines: Iterable[list[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(lines)
        left = text.getvalue().encode()
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)


def _passwords(content: bytes) -> dict[str, str]:
    """The passwords of complete lines. Raises ValueError if an import did not write them."""
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(_FOREIGN) from None
    if lines[:1] != [_HEADER][: len(content)] or not all(map(_is_made, lines[1:])):
        raise ValueError(_FOREIGN)
    return {name: password for name, password, _ in lines[1:]}


def _is_made(line: list[str]) -> bool:
    return len(line) == len(_HEADER) and len(line[1]) >= SHORTEST_GENERATED and line[2] == "true"


@contextmanager
def password_file(path: Path) -> Iterator[PasswordFile]:
    """Opens or creates the file, and locks it for other imports. Raises ValueError and OSError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK, 0o600)
    try:
        yield PasswordFile(file)
    finally:
        os.close(file)
