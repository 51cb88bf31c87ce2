"""Fills the values that only a deployment knows into a preparation: issuers and app clients of the same stack.

1. The build checks a configuration with a stand-in for each such value, as `known-0-when-deployed`. So the preparation
   has stand-ins, too.
2. The function's variables have the values. They must be the variables of the build, except that each stand-in is one
   text of letters, digits and `_:./-`, and only in issuers, audiences, client IDs and URLs of keys.
3. Each text with a stand-in is replaced as a whole, by the text that the variable has there, and only in these keys.
   Other keys and the files keep their texts.
4. With the values, issuers and URLs are checked as in a configuration. Texts that differ must still differ: otherwise
   two tables could have become one, which only the checks of the whole configuration would notice (`token_settings`).
5. Any other difference is no error here: the configuration is then read and checked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from iot_authorizer.issuer_checks import check_issuer, check_jwks
from iot_policies.json_objects import unique_keys
from iot_policies.overriding import OVERRIDE

STAND_IN = "known-{}-when-deployed"
"""A stand-in, with its number. It is a valid host name and table name."""
_STAND_IN = re.compile(STAND_IN.format(r"\d+"))
_VALUE = "[A-Za-z0-9][A-Za-z0-9_:./-]*"
_TABLES = re.compile(f"{OVERRIDE}(JWT|SIGNED_TOKENS)(__.+)?")
"""The variables that may have stand-ins."""
_KEYS = frozenset({"issuer", "audience", "client_id", "jwks"})
"""The keys that may have them there."""
_PARTS = ("issuers", "signed", "table_use")
_FILLED = frozenset({"issuer", "audience", "client_id", "url", "stored_claims"})
"""The keys that then have them, in these parts of a preparation."""


def late_texts(built: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str] | None:
    """What each text in the variables of a build is in those that were found; None if they differ in anything else."""
    texts: dict[str, str] = {}
    if built.keys() != found.keys():
        return None
    for name, value in built.items():
        key = name.rpartition("__")[2].lower()
        if _TABLES.fullmatch(name) is None:
            if value != found[name]:
                return None
        elif not _matches(_parsed(value), _parsed(found[name]), key, texts):
            return None
    return texts


def filled(preparation: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any] | None:
    """The JSON of a preparation with these texts; None if the whole configuration must be checked with them."""
    with_values = {**preparation, **{name: _filled(preparation[name], name, texts) for name in _PARTS}}
    try:
        for issuer in with_values["issuers"]:
            check_jwks(issuer["url"] or "")
        for expects in _expectations(with_values):
            check_issuer(expects["issuer"])
    except ValueError:
        return None
    return with_values if _different_texts(with_values) == _different_texts(preparation) else None


def _parsed(value: str) -> object:
    """The value of a variable: JSON if it is a list or a table (`overriding`), else a text."""
    if not value.lstrip().startswith(("[", "{")):
        return value
    return json.loads(value, object_pairs_hook=unique_keys)


def _matches(built: object, found: object, key: str, texts: dict[str, str]) -> bool:
    """Whether two values differ only in stand-ins. It notes their texts. `key`: the key that they belong to."""
    if isinstance(built, dict) and isinstance(found, dict):
        return built.keys() == found.keys() and all(_matches(built[key], found[key], key, texts) for key in built)
    if isinstance(built, list) and isinstance(found, list):
        return len(built) == len(found) and all(_matches(*pair, key, texts) for pair in zip(built, found, strict=True))
    if not isinstance(built, str) or not isinstance(found, str) or key not in _KEYS:
        return type(built) is type(found) and built == found
    form = _VALUE.join(map(re.escape, _STAND_IN.split(built)))
    return re.fullmatch(form, found) is not None and texts.setdefault(built, found) == found


def _filled(part: object, key: str, texts: Mapping[str, str]) -> object:
    """A part of a preparation with these texts. `key`: the key that it belongs to."""
    if isinstance(part, Mapping):
        return {name: _filled(value, name, texts) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, key, texts) for value in part]
    return texts.get(part, part) if isinstance(part, str) and key in _FILLED else part


def _expectations(preparation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (issuer["expects"] for issuer in preparation["issuers"])
    if preparation["signed"] is not None:
        yield preparation["signed"]


def _different_texts(preparation: Mapping[str, Any]) -> int:
    """How many different texts say which tokens are accepted."""
    texts = ((each["issuer"], *each["audience"], *each["client_id"]) for each in _expectations(preparation))
    return len({text for its in texts for text in its})
