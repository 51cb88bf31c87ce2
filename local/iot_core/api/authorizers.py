"""CreateAuthorizer, DescribeAuthorizer, ListAuthorizers, UpdateAuthorizer, DeleteAuthorizer, TestInvokeAuthorizer;
SetDefaultAuthorizer, DescribeDefaultAuthorizer, ClearDefaultAuthorizer.

No page of AWS's says which members of TestInvokeAuthorizer exclude each other. The rules and messages are IoT Core's
own, as the public compatibility tests of floci-io/floci (IotCustomAuthorizerTest) measured them.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import ApiError, authorizer_errors, invalid_member, invalid_request
from iot_core.api.parameters import Members, label, page, query_boolean, query_integer, read_json
from iot_core.authorizers.answer import document_texts
from iot_core.authorizers.event import ConnectionRequest
from iot_core.authorizers.invocation import NotAuthenticated, Refused
from iot_core.authorizers.rules import AuthorizerDescription, Status
from iot_core.core import IotCore
from iot_core.reasons import IotCoreReason

_MOST_RESULTS = 250
_INVALID_REQUESTS = frozenset({IotCoreReason.TOKEN_MISSING, IotCoreReason.SIGNATURE_MISSING})
"""Reasons of TestInvokeAuthorizer that mean an invalid request. All others are about the function and its answer."""
_NOT_AUTHENTICATED = {
    "isAuthenticated": False,
    "principalId": "refused",
    "policyDocuments": [],
    "refreshAfterInSeconds": 300,
    "disconnectAfterInSeconds": 300,
}
"""TestInvokeAuthorizer's answer for each client that is not authenticated. The function's answer is not in it."""


class CreateAuthorizerRequest(Members):
    """The body of CreateAuthorizer. Tags are accepted and not kept."""

    function_arn: Annotated[str, Field(alias="authorizerFunctionArn")]
    token_key_name: str | None = None
    public_keys: Annotated[dict[str, str] | None, Field(alias="tokenSigningPublicKeys")] = None
    status: Status = "INACTIVE"
    signing_disabled: bool = False
    enable_caching_for_http: bool = False


class UpdateAuthorizerRequest(Members):
    """The body of UpdateAuthorizer. Missing members stay unchanged."""

    function_arn: Annotated[str | None, Field(alias="authorizerFunctionArn")] = None
    token_key_name: str | None = None
    public_keys: Annotated[dict[str, str] | None, Field(alias="tokenSigningPublicKeys")] = None
    status: Status | None = None
    enable_caching_for_http: bool | None = None


class SetDefaultAuthorizerRequest(Members):
    """The body of SetDefaultAuthorizer."""

    authorizer_name: str


class AuthorizerOperations:
    """The operations on authorizers."""

    def __init__(self, core: IotCore) -> None:
        self._core = core

    async def create(self, request: Request) -> Response:
        """CreateAuthorizer. Raises ApiError."""
        body = await read_json(request, CreateAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            made = self._core.authorizers.create(label(request, "authorizerName"), **vars(body))
        return JSONResponse(self._summary(made))

    async def describe(self, request: Request) -> Response:
        """DescribeAuthorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.describe(label(request, "authorizerName"))
        return JSONResponse({"authorizerDescription": self._description(found)})

    async def update(self, request: Request) -> Response:
        """UpdateAuthorizer. Raises ApiError."""
        body = await read_json(request, UpdateAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            changed = self._core.authorizers.update(label(request, "authorizerName"), **vars(body))
        return JSONResponse(self._summary(changed))

    async def delete(self, request: Request) -> Response:
        """DeleteAuthorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            self._core.authorizers.delete(label(request, "authorizerName"))
        return JSONResponse({})

    async def list(self, request: Request) -> Response:
        """ListAuthorizers, newest first as in IoT Core (API_ListAuthorizers says alphabetical). Raises ApiError."""
        size = query_integer(request, "pageSize", 1, _MOST_RESULTS) or _MOST_RESULTS
        ascending = query_boolean(request, "isAscendingOrder")
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.list(request.query_params.get("status"))
        marker = request.query_params.get("marker")
        malformed = invalid_request("Invalid/Malformed marker passed for listAuthorizers")
        shown, following = page(found, _by_age, size, marker, malformed, descending=not ascending)
        return JSONResponse({"authorizers": [self._summary(one) for one in shown], "nextMarker": following})

    async def set_default(self, request: Request) -> Response:
        """SetDefaultAuthorizer. Raises ApiError."""
        body = await read_json(request, SetDefaultAuthorizerRequest)
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.set_default(body.authorizer_name)
        return JSONResponse(self._summary(found))

    async def describe_default(self, _: Request) -> Response:
        """DescribeDefaultAuthorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            found = self._core.authorizers.describe_default()
        return JSONResponse({"authorizerDescription": self._description(found)})

    async def clear_default(self, _: Request) -> Response:
        """ClearDefaultAuthorizer. Raises ApiError."""
        with authorizer_errors(self._core.arn):
            self._core.authorizers.clear_default()
        return JSONResponse({})

    async def test_invoke(self, request: Request) -> Response:
        """TestInvokeAuthorizer, for active and inactive authorizers. Raises ApiError."""
        name = label(request, "authorizerName")
        client = await read_json(request, ConnectionRequest)
        for member in _empty_members(client):
            raise invalid_member(member, "Member must have length greater than or equal to 1")
        with authorizer_errors(self._core.arn):
            authorizer = self._core.authorizers.describe(name)
        _check_members(client, signing_disabled=authorizer.signing_disabled)
        try:
            authorization, answer = await self._core.invoker.invoke(authorizer, client)
        except NotAuthenticated:
            return JSONResponse(_NOT_AUTHENTICATED)
        except Refused as refused:
            raise _test_error(refused, name) from None
        return JSONResponse(
            {
                "isAuthenticated": True,
                "principalId": authorization.principal_id,
                "policyDocuments": document_texts(answer),
                "refreshAfterInSeconds": authorization.answer.refresh_after_in_seconds,
                "disconnectAfterInSeconds": authorization.answer.disconnect_after_in_seconds,
            }
        )

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


def _empty_members(client: ConnectionRequest) -> Iterator[str]:
    """Yields the members that are empty, which AWS's models do not allow."""
    for name, value in client.model_dump(by_alias=True, exclude_none=True).items():
        if value == "":
            yield name
        elif isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner, text in value.items() if text == "")


def _check_members(client: ConnectionRequest, *, signing_disabled: bool) -> None:
    """Checks that there is either a token with its signature, for an authorizer with signing, or a context."""
    has_context = any((client.http_context, client.mqtt_context, client.tls_context))
    if (client.token is None) != (client.token_signature is None):
        raise invalid_request("Request must provide both token and tokenSignature together.")
    if client.token is not None:
        if has_context:
            raise invalid_request("Request cannot have token and Http/Mqtt/Tls context.")
        if signing_disabled:
            raise invalid_request("Token and token signature provided but signing is disabled for the authorizer.")
    elif not has_context:
        raise invalid_request("Request must have Http/Mqtt/Tls context.")
    query = client.http_context.query_string if client.http_context else None
    if query is not None and not query.startswith("?"):
        raise invalid_request("Invalid arguments in the call")


def _test_error(refused: Refused, name: str) -> ApiError:
    if refused.reason == IotCoreReason.SIGNATURE_INVALID:
        return invalid_request(f"Token signature mismatch for authorizer {name}")
    message = f"{refused.reason}: {refused.detail}" if refused.detail else refused.reason
    if refused.reason in _INVALID_REQUESTS:  # IoT Core itself answers without a message.
        return invalid_request(message)
    return ApiError(400, "InvalidResponseException", message)
