"""Fills the values that only a deployment knows into a preparation: issuers and app clients of the same stack.

1. The build checks a configuration with a stand-in for each such value, as `known-0-when-deployed`. So the preparation
   has stand-ins, too.
2. The function's variables have the values. They must be the variables of the build, except that each stand-in is one
   text of letters, digits and `_./-`, and only in issuers, audiences, client IDs and URLs of keys.
3. With the values, issuers and URLs are checked as in a configuration. Texts that differ must still differ: otherwise
   two tables could have become one, which only the checks of the whole configuration would notice (`token_settings`).
4. Any other difference is no error here: the configuration is then read and checked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from iot_authorizer.issuer_checks import check_issuer, check_jwks
from iot_policies.json_objects import unique_keys

STAND_IN = "known-{}-when-deployed"
"""A stand-in, with its number. It is a valid host name and table name."""
_STAND_IN = re.compile(STAND_IN.format(r"\d+"))
_VALUE = "([A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?)"
_KEYS = frozenset({"issuer", "audience", "client_id", "jwks"})
_PARTS = ("issuers", "signed", "table_use")
"""The parts of a preparation that have such values."""


def late_values(built: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str] | None:
    """The value of each stand-in in the variables of a build; None if others differ in anything else."""
    values: dict[str, str] = {}
    if built.keys() != found.keys():
        return None
    for name, value in built.items():
        key = name.rpartition("__")[2].lower()
        if value != found[name] and not _matches(_parsed(value), _parsed(found[name]), key, values):
            return None
    return values


def filled(preparation: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any] | None:
    """The JSON of a preparation with these values; None if the whole configuration must be checked with them."""
    parts = {name: preparation[name] for name in _PARTS}
    text = _STAND_IN.sub(lambda stand_in: values.get(stand_in[0], stand_in[0]), json.dumps(parts))
    with_values = {**preparation, **json.loads(text)}
    try:
        for issuer in with_values["issuers"]:
            check_jwks(issuer["url"] or "")
        for expects in _expectations(with_values):
            check_issuer(expects["issuer"])
    except ValueError:
        return None
    return with_values if _different_texts(with_values) == _different_texts(preparation) else None


def _parsed(value: str | None) -> object:
    """The value of a variable: JSON if it is a list or a table (`overriding`), else a text."""
    if value is None or not value.lstrip().startswith(("[", "{")):
        return value
    return json.loads(value, object_pairs_hook=unique_keys)


def _matches(built: object, found: object, key: str, values: dict[str, str]) -> bool:
    """Whether two values differ only in stand-ins, whose values it notes. `key`: the key that they belong to."""
    if isinstance(built, dict) and isinstance(found, dict):
        return built.keys() == found.keys() and all(_matches(built[key], found[key], key, values) for key in built)
    if isinstance(built, list) and isinstance(found, list):
        return len(built) == len(found) and all(_matches(*pair, key, values) for pair in zip(built, found, strict=True))
    if not isinstance(built, str) or not isinstance(found, str) or key not in _KEYS:
        return type(built) is type(found) and built == found
    texts = _STAND_IN.split(built)
    match = re.fullmatch(_VALUE.join(map(re.escape, texts)), found)
    stand_ins = _STAND_IN.findall(built)
    return match is not None and all(
        values.setdefault(stand_in, value) == value for stand_in, value in zip(stand_ins, match.groups(), strict=True)
    )


def _expectations(preparation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (issuer["expects"] for issuer in preparation["issuers"])
    if preparation["signed"] is not None:
        yield preparation["signed"]


def _different_texts(preparation: Mapping[str, Any]) -> int:
    """How many different texts say which tokens are accepted."""
    texts = ((each["issuer"], *each["audience"], *each["client_id"]) for each in _expectations(preparation))
    return len({text for its in texts for text in its})
