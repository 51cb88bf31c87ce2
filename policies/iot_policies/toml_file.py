"""Reads TOML files; errors name the file, the line, the key and what was expected."""

import codecs
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from iot_policies.errors import InvalidFile
from iot_policies.overriding import value_below

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_A_LIST = 'expected a list, as in ["a", "b"]'
_EXPECTED = {
    "missing": "is missing",
    "extra_forbidden": "is not a key of this table",
    "tuple_type": _A_LIST,
    "list_type": _A_LIST,
    "sequence_type": _A_LIST,
    "sequence_str": _A_LIST,
    "is_instance_of": _A_LIST,
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "string_type": "expected a string",
    "bool_type": "expected a boolean, true or false",
    "int_type": "expected a whole number",
}
"""Pydantic's error types in the words of TOML."""
_SYNTAX_LINE = re.compile(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", re.DOTALL)
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_.-]+))\s*=""")
_PART_OF_VALUE = (
    r"""\s+|\#[^\n]*|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'[^']*'|[][{},]|[^]\s[{},\#"']+"""
)
"""What a value consists of: space, a comment, a string, a sign, or anything else. Compiled for messages only."""

Location = Sequence[str | int]


def read_file(path: Path) -> bytes:
    """Reads a text file that the user named, without its byte order mark: TOML, PEM, JSON or CSV.

    Raises InvalidFile if it cannot be read, or is in UTF-16, as PowerShell's `>` writes it.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InvalidFile(path, None, "", file_not_found(path)) from None
    except IsADirectoryError:
        raise InvalidFile(path, None, "", "this is a folder: name a file in it") from None
    except OSError as error:
        raise InvalidFile(path, None, "", f"can't be read: {error.strerror}") from None
    except ValueError:
        raise InvalidFile(path, None, "", "expected a file name") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidFile(path, None, "", "the file is in UTF-16: save it in UTF-8")
    return content.removeprefix(codecs.BOM_UTF8)


def file_not_found(path: Path) -> str:
    """What to do about a file that does not exist: names one beside it, if the name may be a typo."""
    if path.is_symlink():
        return f"file not found: it is a link to {path.readlink()}, which is missing"
    if not path.parent.is_dir():
        return f"file not found: the folder {path.parent} does not exist"
    try:
        alike = _closest(path.name, [each.name for each in path.parent.iterdir()])
    except OSError:  # A folder that may be entered, but not listed.
        alike = None
    advice = f"did you mean {path.with_name(alike)}?" if alike else "correct its name, or create it"
    return f"file not found: {advice}"


def read_toml(path: Path) -> tuple[dict[str, object], str]:
    """Reads a TOML file: its tables, and its text for `line_of`.

    Raises InvalidFile if the file is missing, not UTF-8 or not TOML.
    """
    return parse_toml(read_file(path), path)


def parse_toml(content: bytes, path: Path) -> tuple[dict[str, object], str]:
    """As `read_toml`, for the content of a file. Errors name `path`."""
    try:
        text = content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise InvalidFile(path, None, "", "expected UTF-8 text") from None
    try:
        return tomllib.loads(text), text
    except (ValueError, RecursionError) as error:
        match = _SYNTAX_LINE.match(str(error))
        line = int(match[2]) if match and match[2] else len(text.rstrip("\n").split("\n"))
        problem = match[1] if match else str(error)
        hint = ": write strings in quotes" if problem == "Invalid value" else ""
        raise InvalidFile(path, line, "", f"not valid TOML: {problem}{hint}") from None


def key_of(location: Location) -> str:
    """Writes a location for people: `("grant", 0, "publish")` becomes `grant[0].publish`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(text: str, location: Location) -> int | None:
    """The line, counted from 1, of the deepest part of a location that has its own line in a TOML text.

    `tomllib` does not keep positions, so this looks for table headers, keys and elements. Only messages use it.
    """
    whole = tuple(location)
    places, first_below = _places(text)
    starts = [(len(whole), first_below.get(whole)), *((n, places.get(whole[:n])) for n in range(len(whole) - 1, 0, -1))]
    depth, start = next(((depth, start) for depth, start in starts if start is not None), (0, None))
    if start is None:
        return None
    rest = whole[depth:]
    return text.count("\n", 0, _element(text, start, rest[0]) if rest and isinstance(rest[0], int) else start) + 1


@lru_cache(maxsize=4)
def _places(text: str) -> tuple[Mapping[Location, int], Mapping[Location, int]]:
    """Where the line of each header and key begins, and where the first line of what is at or below it begins."""
    table: list[str | int] = []
    counts: dict[str, int] = {}
    places: dict[Location, int] = {}
    first_below: dict[Location, int] = {}
    start = 0
    for line in text.split("\n"):
        if header := _HEADER.match(line):
            here = table = _table(header[2], header[1] == "[[", counts)
        elif key := _KEY.match(line):
            here = [*table, *(key[1] or key[2] or key[3]).split(".")]
        else:
            here = []
        places.setdefault((*here,), start)
        for depth in range(1, len(here) + 1):
            first_below.setdefault((*here[:depth],), start)
        start += len(line) + 1
    return places, first_below


def _element(text: str, start: int, wanted: int) -> int:
    """Where an element of a list begins whose key begins at `start`; `start` if it is no list."""
    key = _KEY.match(text, start)
    depth = index = 0
    for token in re.compile(_PART_OF_VALUE, re.DOTALL).finditer(text, key.end() if key else start):
        sign = token[0][0]
        if depth == 1 and index == wanted and not sign.isspace() and sign not in "#,":
            return token.start()
        depth += (sign in "[{") - (sign in "]}")
        index += depth == 1 and sign == ","
        if depth == 0 and not sign.isspace():
            break
    return start


def _table(name: str, many: bool, counts: dict[str, int]) -> list[str | int]:
    """The location of a table header; a `[[grant]]` header begins the next grant."""
    if many:
        counts[name] = counts.get(name, -1) + 1
    location: list[str | int] = []
    path = ""
    for part in name.split("."):
        path = f"{path}.{part}" if path else part
        location.append(part.strip().strip("\"'"))
        if path in counts:
            location.append(counts[path])
    return location


def place_of(path: Path, text: str, location: Location) -> str:
    """A location in a TOML file for people: `policies/chat.toml:12`; without the line if this is not known."""
    line = line_of(text, location)
    return f"{path}:{line}" if line else f"{path}"


def invalid_file(path: Path, text: str, location: Location, expected: str) -> InvalidFile:
    """The error for one location in a TOML file."""
    return InvalidFile(path, line_of(text, location), key_of(location), expected)


def from_validation(
    path: Path, text: str, tables: Mapping[str, object], error: "ValidationError", keys: Collection[str]
) -> InvalidFile:
    """The first of pydantic's errors, unknown keys first, as one line without values. `keys` are all known keys."""
    findings: list[ErrorDetails] = error.errors(include_url=False, include_input=False)
    # A misspelled key is also a missing one: the unknown key is the better message.
    first = next((each for each in findings if each["type"] == "extra_forbidden"), findings[0])
    location, found = _walk(tables, first["loc"])
    kind = first["type"]
    expected = _EXPECTED.get(kind) or first["msg"].removeprefix("Value error, ")
    if kind == "missing":
        location = first["loc"]
        if len(location) == 1:
            expected += " (keys without a table must be above the first [table])"
    elif len(location) < len(first["loc"]):  # Pydantic appends the type that it tried.
        expected = "expected a string, a number, a boolean, or a list of these"
    elif kind == "extra_forbidden":
        expected += _hint(str(location[-1]), keys)
    elif kind == "literal_error":
        expected = f"expected {first['ctx']['expected']}"
    if expected == _A_LIST and isinstance(found, Mapping):
        expected = f"expected [[{key_of(location)}]], with two brackets on each side"
    return invalid_file(path, text, location, expected)


def _hint(key: str, keys: Collection[str]) -> str:
    if key in keys:
        return ", but of another one; keys without a table must be above the first [table]"
    alike = _closest(key, keys)
    return f": did you mean {alike}?" if alike else ""


def _closest(name: str, names: Collection[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 (only messages need it)

    return next(iter(get_close_matches(name, names, 1)), None)


def _walk(tables: Mapping[str, object], location: Location) -> tuple[Location, object]:
    """The longest part of a location that exists in the file, and its value."""
    found: object = tables
    for index, part in enumerate(location):
        inner = value_below(found, part)
        if inner is None:
            return location[:index], found
        found = inner
    return location, found
