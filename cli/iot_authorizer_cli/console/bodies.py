"""The JSON bodies that the page sends: read within size limits and validated.

Only `Content-Type: application/json` is accepted. A page of another site cannot send it without a preflight request,
which no endpoint here allows (Fetch standard, "CORS-safelisted request-header").
"""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from starlette.requests import Request

from iot_core.broker.limits import IOT_CORE
from iot_core.broker.topics import check_client_id, check_resource
from iot_identities.strict_json import STRICT, NestedTooDeeply
from iot_policies.explaining import QUESTION_NAMES, Question
from iot_policies.packing import compact

MOST_CLAIMS = 64 * 1024
"""The limit of the claims, in characters of compact JSON."""
_MOST_BYTES = 4 * MOST_CLAIMS
"""The limit of a body, which may be less compact, and may have an edited template too."""
_MONTH = 30 * 86_400

_STRICTLY = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

Body = TypeVar("Body", bound=BaseModel)
Means = Literal["minted", "pasted", "password", "anonymous"]
"""A development token, a pasted token, a user name and a password, or no credentials."""


class BodyRefused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        self.status = status
        """The HTTP status."""
        self.message = message
        """What was found and what was expected."""
        self.field = field
        """The field of the body that is wrong; None for the request as a whole."""
        super().__init__(message)


def _bounded(claims: dict[str, object]) -> dict[str, object]:
    if len(compact(claims)) > MOST_CLAIMS:
        raise ValueError(f"expected at most {MOST_CLAIMS:,} characters")
    return claims


def _accepted_client_id(client_id: str) -> str:
    check_client_id(client_id, IOT_CORE)
    return client_id


class PrincipalRequest(BaseModel):
    """A request about a principal that the page signs in as."""

    model_config = _STRICTLY

    principal: Annotated[str, Field(min_length=1, max_length=1024)]
    claims: Annotated[dict[str, object], AfterValidator(_bounded)] = {}


class TokenRequest(PrincipalRequest):
    """A request for a token. `expires_in` is in seconds; a negative value gives an expired token."""

    expires_in: Annotated[int, Field(ge=-_MONTH, le=_MONTH)] = 3600


class PolicyRequest(PrincipalRequest):
    """A request for a compiled policy. Without a client ID, it is the policy of an HTTPS client."""

    client_id: Annotated[str, Field(max_length=1024), AfterValidator(_accepted_client_id)] | None = None
    means: Means = "minted"
    """How the client signs in, which decides whose claims count.

    For `password`, those that are stored for the user, if there are some. For `anonymous`, those of `[anonymous]`.
    """
    template: str | None = None
    """An edit, to answer as if it were the template in force."""


class ChangesRequest(BaseModel):
    """A request for what an edit opens and closes."""

    model_config = _STRICTLY

    template: str


class ExplainRequest(PolicyRequest):
    """A request for the reasons why an action is allowed or refused."""

    action: Question
    resource: Annotated[str, Field(min_length=1, max_length=1024)]

    @field_validator("resource")
    @classmethod
    def _may_be_allowed(cls, resource: str, others: ValidationInfo) -> str:
        """Refuses what IoT Core refuses under every policy: the template would say that it is allowed."""
        if "action" in others.data:
            check_resource(others.data["action"], resource, IOT_CORE)
        return resource


_EXPECTED = {
    "missing": "is missing",
    "extra_forbidden": "unknown field",
    "string_type": "expected a string",
    "string_unicode": "expected a string of valid Unicode characters",
    "string_too_short": "expected a string that is not empty",
    "string_too_long": "is too long",
    "dict_type": 'expected a JSON object, as in {"rooms": ["lobby"]}',
    "int_type": "expected a whole number of seconds",
    "greater_than_equal": "expected at most 30 days in the past",
    "less_than_equal": "expected at most 30 days",
    "literal_error": f"expected {QUESTION_NAMES}",
}
"""The page's message for each error type of pydantic."""


async def read(request: Request, model: type[Body]) -> Body:
    """Reads the body of a request. Raises BodyRefused."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BodyRefused(415, "expected Content-Type: application/json")
    try:
        parsed = STRICT.decode((await _bounded_body(request)).decode())
    except NestedTooDeeply as error:
        raise BodyRefused(400, str(error), "claims") from None
    except ValueError:
        raise BodyRefused(400, "expected JSON") from None
    if not isinstance(parsed, dict):
        raise BodyRefused(400, "expected a JSON object")
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        raise _refusal(error) from None


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise BodyRefused(413, f"expected at most {_MOST_BYTES:,} bytes")
    return bytes(body)


def _refusal(error: ValidationError) -> BodyRefused:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    message = _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return BodyRefused(400, message, str(first["loc"][0]))
