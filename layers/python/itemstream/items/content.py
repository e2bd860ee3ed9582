"""The content of an item as clients write it: the Pydantic model that says what is valid.

Only functions that write items import this module; reading needs no Pydantic.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

__all__ = ["ItemContent", "Price", "Status"]

Status = Literal["draft", "active", "archived"]

# Control characters have no meaning in a name or a tag and break logs, terminals and CSV files.
_LINE = r"^[^\x00-\x1f\x7f]*$"
# A description is text of many lines: tabs and line ends are welcome.
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]
Category = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_LINE)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=_LINE)]
AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_LINE)]
AttributeText = Annotated[str, StringConstraints(max_length=1024, pattern=_LINE)]

# The largest integer that JSON carries unharmed to every client (RFC 8259, section 6).
MAX_SAFE_INTEGER = 2**53 - 1


def _without_zero_fraction(value: Any) -> Any:
    """Take 3.0 for 3, as JSON Schema does (2020-12, section 4.2.3)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER), BeforeValidator(_without_zero_fraction)]


# Pydantic writes a pattern on keys as patternProperties, which lets all other keys pass.
_ATTRIBUTES_SCHEMA = {
    "type": "object",
    "maxProperties": 50,
    "propertyNames": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": _LINE},
    "additionalProperties": {"type": "string", "maxLength": 1024, "pattern": _LINE},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Price(_Strict):
    """An amount of money."""

    amount: Count = Field(description="In the currency's minor unit, such as cents.")
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        description="ISO 4217 code.", examples=["EUR"]
    )


class ItemContent(_Strict):
    """What a client says about an item; `PUT` replaces all of it."""

    name: Name = Field(examples=["Oak table"])
    description: Annotated[str, StringConstraints(max_length=4000, pattern=_TEXT)] = ""
    category: Category | None = Field(default=None, examples=["furniture"])
    status: Status = "draft"
    price: Price | None = None
    quantity: Count = 0
    tags: list[Tag] = Field(default_factory=list, max_length=20, examples=[["oak", "handmade"]])
    attributes: Annotated[
        dict[AttributeName, AttributeText], WithJsonSchema(_ATTRIBUTES_SCHEMA)
    ] = Field(default_factory=dict, max_length=50, examples=[{"width": "180 cm"}])

    def document(self) -> dict[str, Any]:
        """Return the content as JSON values."""
        return self.model_dump(mode="json")
