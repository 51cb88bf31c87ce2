"""Reads the parameters of requests: path, query string, body and page token. An error names the parameter."""

import base64
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json
from starlette.requests import Request

from iot_core.api.errors import ApiError, invalid_member, invalid_request, too_large

MOST_JSON = 1024 * 1024
"""Bytes of a JSON body. The largest valid body, a TestInvokeAuthorizer with all contexts, is smaller."""
_MOST_DRAINED = 4 * 1024 * 1024
"""Bytes that are read of a body that is too large: most clients read no answer before they have sent the whole body."""


class Members(BaseModel):
    """A JSON body. Unknown members are ignored, as AWS does."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True, hide_input_in_errors=True)


Body = TypeVar("Body", bound=BaseModel)
Item = TypeVar("Item")

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
"""Pydantic's errors in AWS's words."""


def label(request: Request, name: str) -> str:
    """Reads a name from the path, percent-decoded once; a plus stays a plus. Raises ApiError if it is not UTF-8."""
    try:
        return unquote_to_bytes(request.path_params[name]).decode()
    except UnicodeDecodeError:
        raise invalid_member(name, "Member must be UTF-8, percent-encoded") from None


def query_integer(request: Request, name: str, least: int, most: int) -> int | None:
    """Reads a whole number from the query string; None if it is missing. Raises ApiError."""
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
    """Reads `true` or `false` from the query string; False if it is missing. Raises ApiError."""
    text = request.query_params.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise invalid_member(name, "Member must be true or false")
    return text == "true"


async def read_body(request: Request, most: int) -> bytes:
    """Reads a body of at most `most` bytes. Raises ApiError."""
    body = bytearray()
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > _MOST_DRAINED:
            break
        if read <= most:
            body += chunk
    if read > most:
        raise too_large(f"The payload exceeds the maximum size allowed: {most} bytes")
    return bytes(body)


async def read_json(request: Request, model: type[Body]) -> Body:
    """Reads a JSON body; no body counts as an empty object. Raises ApiError."""
    content = await read_body(request, MOST_JSON)
    try:
        parsed = from_json(content or b"{}", allow_inf_nan=False)
    except ValueError:
        raise invalid_request("The body is not JSON") from None
    if not isinstance(parsed, dict):
        raise invalid_request("The body is not a JSON object")
    try:
        return model.model_validate({key: value for key, value in parsed.items() if value is not None}, extra="ignore")
    except ValidationError as error:
        raise invalid_members(error) from None


def invalid_members(error: ValidationError) -> ApiError:
    """Makes an error of the first of pydantic's errors, without the value."""
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


def invalid_next_token() -> ApiError:
    """Makes the error of a `nextToken` that is not from an earlier answer."""
    return invalid_member("nextToken", "Member must be the nextToken of an earlier answer")


def page(
    items: Iterable[Item],
    key: Callable[[Item], str],
    size: int,
    token: str | None,
    malformed: ApiError,
    *,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """Returns one page of items in the order of their keys, and the token of the next page; None after the last page.

    A token has the last key of its page, so pages stay right if items are added or removed between two requests.
    Raises `malformed` for a token that has no key.
    """
    ordered = sorted(items, key=key, reverse=descending)
    if token is not None:
        last = key_of(token, malformed)
        ordered = [item for item in ordered if (key(item) < last if descending else key(item) > last)]
    return first_page(ordered, key, size)


def key_of(token: str, malformed: ApiError) -> str:
    """The last key of the page that a token follows. Raises `malformed` for a token that has no key."""
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise malformed from None


def first_page(ordered: Iterable[Item], key: Callable[[Item], str], size: int) -> tuple[list[Item], str | None]:
    """The first of ordered items, and the token of the next page. It takes one item more than the page has."""
    found = list(islice(ordered, size + 1))
    following = base64.b64encode(key(found[size - 1]).encode()).decode() if len(found) > size else None
    return found[:size], following
