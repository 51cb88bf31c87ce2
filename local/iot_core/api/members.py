"""Reads the members of requests: query strings and bodies, within bounds, with errors that name the member."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json
from starlette.requests import Request

from iot_core.api.errors import ApiError, invalid_member, invalid_request, too_large

_MOST_JSON = 1024 * 1024
"""Bytes of a JSON body; IoT Core's largest, with all contexts of a test at their limits, is smaller."""
_MOST_DRAINED = 4 * 1024 * 1024
"""Bytes that are read of a body that is too large, so that a client that sends all of it first gets the answer."""


class Members(BaseModel):
    """A JSON body. Members that are new to us are ignored, as AWS does."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, hide_input_in_errors=True)


Body = TypeVar("Body", bound=BaseModel)

_CONSTRAINTS = {
    "missing": "Member must not be null",
    "string_type": "Member must be a string",
    "string_unicode": "Member must be a string of Unicode characters",
    "bool_type": "Member must be true or false",
    "int_type": "Member must be a whole number",
    "dict_type": "Member must be an object",
    "model_type": "Member must be an object",
    "list_type": "Member must be a list",
    "string_too_long": "Member must have length less than or equal to {max_length}",
    "string_too_short": "Member must have length greater than or equal to {min_length}",
    "string_pattern_mismatch": "Member must satisfy regular expression pattern: {pattern}",
    "literal_error": "Member must satisfy enum value set: [{expected}]",
}
"""Pydantic's findings in AWS's words."""


def query_integer(request: Request, name: str, least: int, most: int) -> int | None:
    """A whole number of the query string; None where it is missing. Raises ApiError."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise invalid_member(name, "Member must be a whole number")
    number = int(text)
    if number < least:
        raise invalid_member(name, f"Member must have value greater than or equal to {least}")
    if number > most:
        raise invalid_member(name, f"Member must have value less than or equal to {most}")
    return number


def query_boolean(request: Request, name: str) -> bool:
    """`true` or `false` of the query string; False where it is missing. Raises ApiError."""
    text = request.query_params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise invalid_member(name, "Member must be true or false")
    return text == "true"


async def read_body(request: Request, most: int) -> bytes:
    """A body of at most `most` bytes. Raises ApiError."""
    body = bytearray()
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _MOST_DRAINED:
            raise too_large(most)
        if read <= most:
            body += chunk
    if read > most:
        raise too_large(most)
    return bytes(body)


async def read_json(request: Request, model: type[Body]) -> Body:
    """A JSON body; none is an empty object. Raises ApiError."""
    content = await read_body(request, _MOST_JSON)
    try:
        parsed = from_json(content or b"{}", allow_inf_nan=False)
    except ValueError:
        raise invalid_request("The body is no JSON") from None
    if not isinstance(parsed, dict):
        raise invalid_request("The body is no JSON object")
    try:
        return model.model_validate({key: value for key, value in parsed.items() if value is not None}, extra="ignore")
    except ValidationError as error:
        raise invalid_members(error) from None


def invalid_members(error: ValidationError) -> ApiError:
    """The first of pydantic's findings, without the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    member = ".".join(str(part) for part in first["loc"] if part != "[key]")
    constraint = _CONSTRAINTS.get(first["type"])
    if constraint is None:
        return invalid_member(member, first["msg"].removeprefix("Value error, "))
    context = {name: str(value) for name, value in first.get("ctx", {}).items()}
    if first["type"] == "literal_error":
        context["expected"] = context["expected"].replace("'", "").replace(" or ", ", ")
    context["pattern"] = context.get("pattern", "").removeprefix("^").removesuffix("$")
    return invalid_member(member, constraint.format_map(context))
