"""TOML files with errors that say where: file, line, key, what was expected."""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import InvalidFile

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

type_names = {"missing": "is missing", "extra_forbidden": "is not a key that belongs here"}
_SYNTAX_LINE = re.compile(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", re.DOTALL)
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_.-]+))\s*=""")

Location = Sequence[str | int]


def read_toml(path: Path) -> tuple[dict[str, object], str]:
    """Reads a TOML file: its tables, and its text for `line_of`.

    Raises InvalidFile where it is missing, no UTF-8, or no TOML.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise InvalidFile(path, None, "", f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidFile(path, None, "", "expected UTF-8 text") from None
    try:
        return tomllib.loads(text), text
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        match = _SYNTAX_LINE.match(str(error))
        line = int(match[2]) if match and match[2] else len(text.splitlines()) or 1
        raise InvalidFile(path, line, "", f"no TOML: {match[1] if match else error}") from None


def key_of(location: Location) -> str:
    """A location as one reads it: `("grant", 0, "publish")` is `grant[0].publish`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(text: str, location: Location) -> int | None:
    """The line, from 1, of the deepest part of a location that has a line of its own in a TOML text.

    `tomllib` keeps no positions, so this looks for table headers and keys. It is used for messages alone.
    """
    table: list[str | int] = []
    counts: dict[str, int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[2]
            table = [*name.split(".")]
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table.append(counts[name])
            here = table
        elif key := _KEY.match(line):
            here = [*table, *(key[1] or key[2] or key[3]).split(".")]
        else:
            continue
        if list(location[: len(here)]) == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def invalid_file(path: Path, text: str, location: Location, expected: str) -> InvalidFile:
    """The error for one place in a TOML file."""
    return InvalidFile(path, line_of(text, location), key_of(location), expected)


def from_validation(path: Path, text: str, error: "ValidationError") -> InvalidFile:
    """The first of pydantic's findings, as one line without the value that was found."""
    first: ErrorDetails = error.errors(include_url=False, include_input=False)[0]
    expected = type_names.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return invalid_file(path, text, first["loc"], expected)
