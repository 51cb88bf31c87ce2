"""Create, Describe, List, Update and DeleteAuthorizer; Set, Describe and ClearDefaultAuthorizer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import authorizer_errors, invalid_request
from iot_core.api.members import Members, query_boolean, query_integer, read_json
from iot_core.api.operations import label
from iot_core.api.pages import InvalidToken, page
from iot_core.authorizers.rules import AuthorizerDescription, Status
from iot_core.core import IotCore

_MOST_RESULTS = 250


class CreateAuthorizerRequest(Members):
    """The body of CreateAuthorizer. Tags are taken and not kept."""

    authorizer_function_arn: str
    token_key_name: str | None = None
    token_signing_public_keys: dict[str, str] | None = None
    status: Status = "INACTIVE"
    signing_disabled: bool = False
    enable_caching_for_http: bool = False


class UpdateAuthorizerRequest(Members):
    """The body of UpdateAuthorizer; what is missing stays as it is."""

    authorizer_function_arn: str | None = None
    token_key_name: str | None = None
    token_signing_public_keys: dict[str, str] | None = None
    status: Status | None = None
    enable_caching_for_http: bool | None = None


class SetDefaultAuthorizerRequest(Members):
    """The body of SetDefaultAuthorizer."""

    authorizer_name: str


class AuthorizerOperations:
    """The operations."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def create(self, request: Request) -> Response:
        """Makes an authorizer. Raises ApiError."""
        body = await read_json(request, CreateAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            made = self._core.authorizers.create(
                label(request, "authorizerName"),
                function_arn=body.authorizer_function_arn,
                token_key_name=body.token_key_name,
                public_keys=body.token_signing_public_keys,
                status=body.status,
                signing_disabled=body.signing_disabled,
                enable_caching_for_http=body.enable_caching_for_http,
            )
        return JSONResponse(self._summary(made))

    async def describe(self, request: Request) -> Response:
        """Tells of an authorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.describe(label(request, "authorizerName"))
        return JSONResponse({"authorizerDescription": self._description(found)})

    async def update(self, request: Request) -> Response:
        """Changes an authorizer. Raises ApiError."""
        body = await read_json(request, UpdateAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            changed = self._core.authorizers.update(
                label(request, "authorizerName"),
                function_arn=body.authorizer_function_arn,
                token_key_name=body.token_key_name,
                public_keys=body.token_signing_public_keys,
                status=body.status,
                enable_caching_for_http=body.enable_caching_for_http,
            )
        return JSONResponse(self._summary(changed))

    async def delete(self, request: Request) -> Response:
        """Deletes an authorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            self._core.authorizers.delete(label(request, "authorizerName"))
        return JSONResponse({})

    async def list(self, request: Request) -> Response:
        """All authorizers, in pages: the newest first, as IoT Core does (API_ListAuthorizers says alphabetical).

        Raises ApiError.
        """
        size = query_integer(request, "pageSize", 1, _MOST_RESULTS) or _MOST_RESULTS
        ascending = query_boolean(request, "isAscendingOrder")
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.list(request.query_params.get("status"))
        marker = request.query_params.get("marker")
        try:
            shown, following = page(found, _by_age, size, marker, descending=not ascending)
        except InvalidToken:
            raise invalid_request("Invalid/Malformed marker passed for listAuthorizers") from None
        return JSONResponse({"authorizers": [self._summary(one) for one in shown], "nextMarker": following})

    async def set_default(self, request: Request) -> Response:
        """Makes an authorizer the default. Raises ApiError."""
        body = await read_json(request, SetDefaultAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.set_default(body.authorizer_name)
        return JSONResponse(self._summary(found))

    async def describe_default(self, _: Request) -> Response:
        """Tells of the default authorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.describe_default()
        return JSONResponse({"authorizerDescription": self._description(found)})

    async def clear_default(self, _: Request) -> Response:
        """Leaves no authorizer the default. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            self._core.authorizers.clear_default()
        return JSONResponse({})

    def _summary(self, description: AuthorizerDescription) -> dict[str, object]:
        return {"authorizerName": description.name, "authorizerArn": self._core.arn("authorizer", description.name)}

    def _description(self, description: AuthorizerDescription) -> dict[str, object]:
        return {
            **self._summary(description),
            "authorizerFunctionArn": description.function_arn,
            "tokenKeyName": description.token_key_name,
            "tokenSigningPublicKeys": description.public_keys or None,
            "status": description.status,
            "creationDate": round(description.creation_date, 3),
            "lastModifiedDate": round(description.last_modified_date, 3),
            "signingDisabled": description.signing_disabled,
            "enableCachingForHttp": description.enable_caching_for_http,
        }


def _by_age(description: AuthorizerDescription) -> str:
    return f"{description.creation_date:020.6f} {description.name}"
