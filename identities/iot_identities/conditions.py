"""Conditions of DynamoDB: what must be true of an item that is changed.

Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
"""

import re

IS_LIVE = "(attribute_not_exists(#expires_at) OR #expires_at > :now)"
"""It has not expired, or is not there."""
IS_OVER = "#expires_at <= :now"
"""It is there, and has expired."""


def is_number(name: str, value: str, number: int) -> str:
    """An attribute is a number, where `value` stands for it; one that is not there is 0."""
    same = f"{name} = {value}"
    return same if number else f"(attribute_not_exists({name}) OR {same})"


def names(expression: str) -> dict[str, str]:
    """The attributes behind an expression's `#names`.

    DynamoDB takes no reserved word itself (`count`), and no name that the expression does not have.
    """
    return {name: name[1:] for name in re.findall(r"#\w+", expression)}
