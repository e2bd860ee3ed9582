"""JSON values as DynamoDB attribute values, and back.

Numbers are integers: money is in minor units and nothing else is fractional, so no value passes
through ``Decimal`` or ``float``. (boto3 has this conversion too, behind an import that costs every
cold start and a ``Decimal`` that costs every read.)

Source of the format: the DynamoDB API reference, data type ``AttributeValue``.
"""

from __future__ import annotations

from typing import Any

__all__ = ["from_attribute_value", "from_item", "to_attribute_value", "to_item"]

AttributeValue = dict[str, Any]


def to_attribute_value(value: Any) -> AttributeValue:
    """
    Encode a JSON value.

    Raises
    ------
    TypeError
        For anything but ``None``, ``bool``, ``int``, ``str``, lists and string-keyed dicts.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list() | tuple():
            return {"L": [to_attribute_value(element) for element in value]}
        case dict():
            return {"M": to_item(value)}
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be stored in DynamoDB")


def from_attribute_value(value: AttributeValue) -> Any:
    """
    Decode an attribute value.

    Raises
    ------
    TypeError
        For binary values and sets, which nothing here writes.
    """
    ((kind, content),) = value.items()
    match kind:
        case "S" | "BOOL":
            return content
        case "N":
            return int(content)
        case "M":
            return from_item(content)
        case "L":
            return [from_attribute_value(element) for element in content]
        case "NULL":
            return None
        case _:
            raise TypeError(f"attribute values of type {kind} are not read here")


def to_item(document: dict[str, Any]) -> dict[str, AttributeValue]:
    """Encode a JSON object as the attributes of a DynamoDB item."""
    return {name: to_attribute_value(value) for name, value in document.items()}


def from_item(item: dict[str, AttributeValue]) -> dict[str, Any]:
    """Decode the attributes of a DynamoDB item to a JSON object."""
    return {name: from_attribute_value(value) for name, value in item.items()}
