"""Parses policy documents and refuses those that IoT Core would refuse, with the place and the reason."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from iot_policies.conditions import Condition, parse_conditions
from iot_policies.json_objects import unique_keys

_OBJECT = (dict, Mapping)
"""The types of an object. `Mapping` alone is a slow question, and nearly every object is a dict."""
_LIST = (list, Sequence)
_DOCUMENT_KEYS = {"Version", "Id", "Statement"}
_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class InvalidDocument(ValueError):
    """A policy document that IoT Core would refuse."""


class ParsedStatement(NamedTuple):
    """One statement. `not_actions` and `not_resources`: the list names what the statement does not apply to."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]


def parse_document(document: str | Mapping[str, object]) -> tuple[ParsedStatement, ...]:
    """Parses a policy document, given as JSON text or as a parsed object. Raises InvalidDocument."""
    parsed = decode_document(document) if isinstance(document, str) else document
    if not isinstance(parsed, _OBJECT):
        raise InvalidDocument("expected a JSON object")
    if parsed.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise InvalidDocument('Version: expected "2012-10-17"')
    if not parsed.keys() <= _DOCUMENT_KEYS:
        unknown = min(map(str, parsed.keys() - _DOCUMENT_KEYS))
        raise InvalidDocument(f"{unknown}: is not a key of a policy document")
    statements = parsed.get("Statement")
    if isinstance(statements, _OBJECT):
        statements = [statements]
    if not isinstance(statements, _LIST) or isinstance(statements, str) or not statements:
        raise InvalidDocument("Statement: expected a list of statements")
    return tuple([_statement(statement, index) for index, statement in enumerate(statements)])


def decode_document(text: str) -> object:
    """Decodes the JSON text of a policy document. Raises InvalidDocument.

    unmeasured (check document-duplicate-key): that IoT Core refuses a policy document with a duplicate key (assumed).
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except InvalidDocument:
        raise
    except (ValueError, RecursionError):
        raise InvalidDocument("expected JSON") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Makes an object of its pairs. Raises InvalidDocument for a duplicate key."""
    try:
        return unique_keys(pairs)
    except ValueError as error:
        raise InvalidDocument(str(error)) from None


def _statement(statement: object, index: int) -> ParsedStatement:
    place = f"Statement[{index}]"
    if not isinstance(statement, _OBJECT):
        raise InvalidDocument(f"{place}: expected an object")
    if not statement.keys() <= _KEYS:
        unknown = min(map(str, statement.keys() - _KEYS))
        raise InvalidDocument(f"{place}.{unknown}: is not a key of a statement")
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise InvalidDocument(f'{place}.Effect: expected "Allow" or "Deny", found {effect!r:.40}')
    actions, not_actions = _one_of(statement, "Action", "NotAction", place)
    resources, not_resources = _one_of(statement, "Resource", "NotResource", place)
    for action in actions:
        if action != "*" and ":" not in action:
            key = "NotAction" if not_actions else "Action"
            raise InvalidDocument(f"{place}.{key}: expected a service and an action, as in iot:Connect")
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            key = "NotResource" if not_resources else "Resource"
            raise InvalidDocument(f'{place}.{key}: expected an ARN or "*"')
    try:
        conditions = parse_conditions(statement["Condition"]) if "Condition" in statement else ()
    except ValueError as error:
        raise InvalidDocument(f"{place}.Condition: {error}") from None
    return ParsedStatement(
        "Allow" if effect == "Allow" else "Deny",
        actions,
        not_actions,
        resources,
        not_resources,
        conditions,
    )


def _one_of(statement: Mapping[object, object], key: str, not_key: str, place: str) -> tuple[tuple[str, ...], bool]:
    """The strings under the one of two keys that a statement has, and whether it is `not_key`."""
    is_not = key not in statement
    if is_not is not (not_key in statement):
        raise InvalidDocument(f"{place}: expected one of {key} and {not_key}")
    if is_not:
        key = not_key
    found = statement[key]
    texts = (found,) if isinstance(found, str) else found
    if not isinstance(texts, _LIST) or not texts:
        raise InvalidDocument(f"{place}.{key}: expected a string or a list of strings")
    for text in texts:
        if not isinstance(text, str):
            raise InvalidDocument(f"{place}.{key}: expected a string or a list of strings")
        if "\0" in text:
            raise InvalidDocument(f"{place}.{key}: expected no NUL character")
    return tuple(texts), is_not
