"""What the page sends: JSON objects, read within bounds and checked."""

import json
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from starlette.requests import Request

from iot_policies.explaining import Question
from iot_policies.packing import compact

MOST_CLAIMS = 64 * 1024
"""Characters of the claims as compact JSON."""
_MOST_BYTES = 2 * MOST_CLAIMS
"""Of a body, which may be written less compactly."""
_MONTH = 30 * 86_400

Body = TypeVar("Body", bound=BaseModel)


class Refusal(Exception):
    """A request that is answered with an error: its status, the field that it is about, and what was expected."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        self.status = status
        """The HTTP status."""
        self.message = message
        """What is wrong, for people."""
        self.field = field
        """The field of the body; None for the request as a whole."""
        super().__init__(message)


def _bounded(claims: dict[str, object]) -> dict[str, object]:
    if len(compact(claims)) > MOST_CLAIMS:
        raise ValueError(f"expected at most {MOST_CLAIMS:,} characters")
    return claims


class Who(BaseModel):
    """A principal that the page signs in as."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    principal: Annotated[str, Field(min_length=1, max_length=1024)]
    claims: Annotated[dict[str, object], AfterValidator(_bounded)] = {}


class TokenWanted(Who):
    """A token to mint. `expires_in` is in seconds; less than 0 gives one that has expired."""

    expires_in: Annotated[int, Field(ge=-_MONTH, le=_MONTH)] = 3600


class PolicyWanted(Who):
    """A policy to compile. Without a client ID, it is one for HTTPS."""

    client_id: Annotated[str, Field(max_length=1024)] | None = None


class Asked(PolicyWanted):
    """A question to explain."""

    action: Question
    resource: Annotated[str, Field(min_length=1, max_length=1024)]

    @field_validator("resource")
    @classmethod
    def _names_one_topic(cls, resource: str, others: ValidationInfo) -> str:
        if others.data.get("action") in ("publish", "retain", "receive") and ("+" in resource or "#" in resource):
            raise ValueError("a topic name holds no + and no #")
        return resource


_EXPECTED = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "expected a text",
    "string_unicode": "expected a text of Unicode characters",
    "string_too_short": "expected a text that is not empty",
    "string_too_long": "is too long",
    "dict_type": 'expected a JSON object, as in {"rooms": ["lobby"]}',
    "int_type": "expected a whole number of seconds",
    "greater_than_equal": "expected at most 30 days",
    "less_than_equal": "expected at most 30 days",
    "literal_error": "expected connect, publish, retain, subscribe or receive",
}
"""Pydantic's findings in the page's words."""


async def read(request: Request, model: type[Body]) -> Body:
    """The body of a request.

    Raises Refusal. Only JSON is taken: another site's page can't send it without asking first, which nothing here
    allows (Fetch standard, "CORS-safelisted request-header").
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "expected Content-Type: application/json")
    try:
        parsed = json.loads(await _bounded_body(request), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "expected JSON") from None
    if not isinstance(parsed, dict):
        raise Refusal(400, "expected a JSON object")
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        raise _refusal(error) from None
    except RecursionError:
        raise Refusal(400, "nested too deeply", "claims") from None


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Refusal(413, f"expected at most {_MOST_BYTES:,} bytes")
    return bytes(body)


def _no_number(name: str) -> object:
    """NaN and Infinity, which Python's JSON takes and nobody else's does."""
    raise ValueError(name)


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    message = _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return Refusal(400, message, str(first["loc"][0]))
