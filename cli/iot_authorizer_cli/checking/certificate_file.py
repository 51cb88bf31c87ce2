"""Reads a certificate from JSON and checks its shape, so that everything after it can rely on it.

Imports only the standard library. Keys that are not known here are not read.
"""

import json
from typing import Any

VERSION = 1
"""The only version of certificates that this checker knows."""


class InvalidCertificate(ValueError):
    """A file is not a certificate. Its text says where, what was found and what is expected."""


_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number", type(None): "null"}
_RESOURCES = {"allow": [str], "deny": [str]}
_MEETING = {"denial": str, "values": [[str]], "inside": (str, type(None))}
_SHAPE = {
    "certificate": int,
    "template": {"name": str, "sha256": str, "topic_prefix": str},
    "compiler": str,
    "prover": str,
    "verdict": str,
    "assumptions": [str],
    "left_out": [str],
    "not_covered": [str],
    "counterexample": (dict, type(None)),
    "entries": {"*": {"text": str, "actions": {"*": _RESOURCES}}},
    "pairs": {"*": {"*": {"*": (str, [_MEETING])}}},
    "examples": [{"principal": str, "claims": dict, "client_id": (str, type(None))}],
    "without_policy": {"*": int},
}
"""A class, a list with the shape of each element, an object with the shapes of its keys, or a tuple of alternatives.
The key `*` is any key."""


def read_certificate(content: bytes) -> dict[str, Any]:
    """The certificate in a file. Raises InvalidCertificate."""
    try:
        found: object = json.loads(content)
    except RecursionError:
        raise InvalidCertificate("is nested too deep") from None
    except ValueError as error:
        raise InvalidCertificate(f"is not valid JSON: {error}") from None
    _check(found, _SHAPE, "")
    assert isinstance(found, dict)  # noqa: S101 (for mypy: _SHAPE is an object)
    if found["certificate"] != VERSION:
        raise InvalidCertificate(f"certificate: expected version {VERSION}, found {found['certificate']}")
    for index, example in enumerate(found["examples"]):
        answers = [example[key] for key in ("documents", "refused") if key in example]
        if len(answers) != 1 or not isinstance(answers[0], str):
            raise InvalidCertificate(f"examples[{index}]: expected exactly one of documents and refused, as a text")
    return found


def _check(value: object, shape: object, place: str) -> None:
    if isinstance(shape, tuple):
        shape = next((each for each in shape if type(value) is _class_of(each)), shape[0])
    if type(value) is not _class_of(shape):  # Not isinstance: true is not a whole number.
        found = _NAMES.get(type(value), json.dumps(value))
        raise InvalidCertificate(f"{place or 'the file'}: expected {_NAMES[_class_of(shape)]}, found {found}")
    if isinstance(shape, list) and isinstance(value, list):
        for index, each in enumerate(value):
            _check(each, shape[0], f"{place}[{index}]")
    if isinstance(shape, dict) and isinstance(value, dict):
        for key in [*value] if "*" in shape else shape:
            inner = f"{place}.{key}" if place else key
            if key not in value:
                raise InvalidCertificate(f"{inner}: is missing")
            _check(value[key], shape.get(key, shape.get("*")), inner)


def _class_of(shape: object) -> type:
    return shape if isinstance(shape, type) else type(shape)
