"""Changes `[signing]` in the text of an `authorizer.toml`, and leaves everything else as it is written."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from iot_policies import InvalidFile
from iot_policies.toml_file import invalid_file, read_file, read_toml


def with_key(path: Path, name: str, file: str) -> bytes:
    """The configuration with a key and the file of its public half added. Raises InvalidFile."""
    tables, text = read_toml(path)
    if "signing" not in tables:
        added = f'[signing]\npublic_keys = {{ "{name}" = "{file}" }}\n'
        return _checked(path, _joined(_raw(path), added), {**tables, "signing": {"public_keys": {name: file}}})
    return _with_keys(path, tables, text, lambda keys: keys | {name: file})


def without_key(path: Path, name: str) -> bytes:
    """The configuration without a key. Raises InvalidFile."""
    tables, text = read_toml(path)
    return _with_keys(path, tables, text, lambda keys: {key: file for key, file in keys.items() if key != name})


_Keys = dict[str, object]


def _with_keys(path: Path, tables: Mapping[str, object], text: str, change: Callable[[_Keys], _Keys]) -> bytes:
    signing = tables.get("signing")
    before = signing.get("public_keys") if isinstance(signing, dict) else None
    if not isinstance(signing, dict) or not isinstance(before, dict):
        raise invalid_file(path, text, ("signing", "public_keys"), "expected a table")
    after = change(before)
    try:
        document = tomlkit.parse(_raw(path))
        _put(document["signing"], after)
    except (TOMLKitError, TypeError, AttributeError):
        raise _unchangeable(path) from None
    return _checked(path, document.as_string(), {**tables, "signing": {**signing, "public_keys": after}})


def _put(signing: Table, keys: Mapping[str, object]) -> None:
    """Gives the table its new keys; the text of keys that stay is kept."""
    table = signing["public_keys"]
    if isinstance(table, InlineTable):
        written = {
            key.key: f"{key.as_string().strip()} = {item.as_string().strip()}" for key, item in table.value.body if key
        }
        new = [written.get(name, f'"{name}" = "{file}"') for name, file in keys.items()]
        signing["public_keys"] = tomlkit.parse(f"keys = {{ {', '.join(new)} }}")["keys"]
        return
    for name in [name for name in table if name not in keys]:
        del table[name]
    for name, file in keys.items():
        if name not in table:
            table[name] = file


def _raw(path: Path) -> str:
    return read_file(path).decode()


def _joined(text: str, added: str) -> str:
    """Appends a table after an empty line."""
    if not text:
        return added
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}\n{added}"


def _checked(path: Path, text: str, expected: Mapping[str, object]) -> bytes:
    """The text to write, after it was parsed and compared with what it must say. Keeps CRLF."""
    before = _raw(path)
    if 0 < before.count("\n") == before.count("\r\n"):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise _unchangeable(path) from None
    if found != expected:
        raise _unchangeable(path)
    return text.encode()


def _unchangeable(path: Path) -> InvalidFile:
    return InvalidFile(path, None, "signing", 'expected it as in [signing] and public_keys = { "2026-11" = "FILE" }')
