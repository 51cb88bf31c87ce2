"""Environment variables that replace values of a TOML file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from iot_policies.errors import InvalidFile
from iot_policies.json_objects import unique_keys

OVERRIDE = "AUTHORIZER__"
"""The start of variables that override values of a file."""
_INDEX = re.compile("0|[1-9][0-9]{0,8}")


def override(tables: dict[str, object], path: Path, environment: Mapping[str, str]) -> None:
    """Replaces values by environment variables: `AUTHORIZER__JWT__0__SECRET` replaces `jwt[0].secret`.

    A value that begins with `[` or `{`, after any space, is a list or a table in JSON: `AUTHORIZER__JWT` replaces all
    `[[jwt]]`. Longer names come later, so that they replace single values of it. Each key has one name: of two, the
    order of the environment would decide.

    Raises InvalidFile for a variable that is not in capitals, does not name a table, or is not valid JSON.
    """
    names = [name for name in environment if name.startswith(OVERRIDE)]
    for name in sorted(names, key=lambda name: name.count("__")):
        capitals = name.lower().upper()  # Another letter may become a capital only so, as the Kelvin sign becomes K.
        if name != capitals:
            raise InvalidFile(path, None, name, f"this environment variable must be in capitals: write {capitals}")
        *parents, last = name.removeprefix(OVERRIDE).lower().split("__")
        table: object = tables
        for part in parents:
            table = value_below(table, int(part) if isinstance(table, list) and _INDEX.fullmatch(part) else part)
        if not isinstance(table, dict):
            raise InvalidFile(path, None, name, "this environment variable does not name a table of the file")
        table[last] = _overriding(environment[name], path, name)


def _overriding(value: str, path: Path, name: str) -> object:
    if not value.lstrip().startswith(("[", "{")):  # A block of YAML may begin with a line break.
        return value
    try:
        return json.loads(value, object_pairs_hook=unique_keys)
    except (json.JSONDecodeError, RecursionError):
        expected = "this environment variable begins like a list or a table, but is not valid JSON"
        raise InvalidFile(path, None, name, expected) from None
    except ValueError as error:
        raise InvalidFile(path, None, name, f"this environment variable: {error}") from None


def value_below(found: object, part: str | int) -> object | None:
    """A value of a table or a list; None if there is none."""
    if isinstance(part, str):
        return found.get(part) if isinstance(found, Mapping) else None
    return found[part] if isinstance(found, list) and part < len(found) else None
