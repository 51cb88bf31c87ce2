"""Converts values to and from DynamoDB's attribute values: the string `a` is `{"S": "a"}`.

Source: Amazon DynamoDB API Reference, "AttributeValue". boto3's serializer would return numbers as Decimal.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from iot_identities.table import Item

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef


def from_item(item: Item) -> dict[str, "AttributeValueTypeDef"]:
    """Converts an item for DynamoDB. Raises TypeError for other types than items have."""
    return {name: attribute(value) for name, value in item.items()}


def to_item(attributes: dict[str, "AttributeValueTypeDef"]) -> Item:
    """Converts an item from DynamoDB. Fractions become floats and sets become lists."""
    return {name: _value(value) for name, value in attributes.items()}


def attribute(value: object) -> "AttributeValueTypeDef":
    """Converts a value for DynamoDB. Raises TypeError for other types than items have."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [attribute(element) for element in value]}
        case dict():
            return {"M": {name: attribute(inner) for name, inner in value.items()}}
        case _:
            raise TypeError(f"expected str, int, bool, None, list or dict, got {type(value).__name__}")


def _value(written: "AttributeValueTypeDef") -> object:
    match written:
        case {"NULL": _}:
            return None
        case {"N": number}:
            return _number(number)
        case {"L": elements}:
            return [_value(element) for element in elements]
        case {"M": inner}:
            return {name: _value(value) for name, value in inner.items()}
        case {"NS": numbers}:
            return [_number(number) for number in numbers]
        case _:
            (value,) = written.values()
            return value


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
