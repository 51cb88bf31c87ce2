"""TestInvokeAuthorizer (API_TestInvokeAuthorizer).

Which members go together stands on no page of AWS's; the rules and sentences are IoT Core's own, as the public
compatibility tests of floci-io/floci (IotCustomAuthorizerTest) measured them.
"""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.core import Core
from iot_core.api.errors import ApiError, authorizer_errors, invalid_member, invalid_request
from iot_core.api.members import read_json
from iot_core.api.operations import label
from iot_core.authorizers.authorization import Refused
from iot_core.authorizers.event import ConnectionRequest
from iot_core.reasons import IotCoreReason
from iot_policies.packing import compact

_BY_THE_REQUEST = frozenset({IotCoreReason.TOKEN_MISSING, IotCoreReason.SIGNATURE_MISSING})
"""Reasons of the gateway that stand for a wrong request; all others are about the function and its answer."""


class Testing:
    """The operation."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def invoke(self, request: Request) -> Response:
        """Invokes an authorizer, active or not, on what a client would bring. Raises ApiError."""
        name = label(request, "authorizerName")
        client = await read_json(request, ConnectionRequest)
        for member in _empty(client):
            raise invalid_member(member, "Member must have length greater than or equal to 1")
        with authorizer_errors(self._core.arn):
            authorizer = self._core.authorizers.describe(name)
        _check(client, signing_disabled=authorizer.signing_disabled)
        try:
            answer = (await self._core.gateway.invoke(authorizer, client)).answer
        except Refused as refused:
            if refused.answer is None:
                raise _error(refused, name) from None
            answer = refused.answer
        return JSONResponse(
            {
                "isAuthenticated": answer.is_authenticated,
                "principalId": answer.principal_id,
                "policyDocuments": [compact(document) for document in answer.policy_documents],
                "refreshAfterInSeconds": answer.refresh_after_in_seconds,
                "disconnectAfterInSeconds": answer.disconnect_after_in_seconds,
            }
        )


def _empty(client: ConnectionRequest) -> Iterator[str]:
    """The members that are there and empty, which AWS's models do not allow."""
    for name, value in client.model_dump(by_alias=True, exclude_none=True).items():
        if value == "":
            yield name
        elif isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner, text in value.items() if text == "")


def _check(client: ConnectionRequest, *, signing_disabled: bool) -> None:
    """A token comes with its signature and alone, to an authorizer with signing; everything else is a context."""
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


def _error(refused: Refused, name: str) -> ApiError:
    if refused.reason == IotCoreReason.SIGNATURE_INVALID:
        return invalid_request(f"Token signature mismatch for authorizer {name}")
    message = f"{refused.reason}: {refused.detail}" if refused.detail else refused.reason
    if refused.reason in _BY_THE_REQUEST:  # IoT Core says nothing here, which helps nobody.
        return invalid_request(message)
    return ApiError(400, "InvalidResponseException", message)
