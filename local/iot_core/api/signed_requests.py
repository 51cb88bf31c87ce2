"""Finds out which principal signed an HTTP request (Signature Version 4), before its operation begins.

1. The signature is in the `Authorization` header. A request that has one in its URL, or that names a custom authorizer
   as well, is refused.
2. A key of this machine must have signed exactly this request, its body included.
3. A long-term key that this machine did not issue counts as the account's owner, without a look at its signature, so
   that the `aws` CLI works with any credentials. An unknown temporary key is refused: it belongs to another endpoint.
4. Each plane has its own service, `iot` or `iotdata`, for keys of both kinds.
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.types import Message

from iot_core.api.errors import ApiError
from iot_core.api.parameters import MOST_JSON, read_body
from iot_core.authorizers.invocation import Refused
from iot_core.core import IotCore
from iot_core.iam.access_keys import IamPrincipal
from iot_core.iam.presenting import AUTHORIZATION, names_authorizer, place_of_signature
from iot_core.iam.signing import SentRequest
from iot_core.iam.verifying import SignatureRefused, malformed_signature, signed_with_authorizer

_KEY = "signed_by"
"""The name of the principal in `scope["state"]`."""


class SignedRequests:
    """Verifies the signatures of requests for one service."""

    def __init__(self, core: IotCore, service: str) -> None:
        self._core = core
        self._services = (service,)

    async def verified(self, request: Request) -> Request:
        """Returns the request; one that is signed knows its principal from then on. Raises ApiError."""
        sent = sent_request(request)
        place = place_of_signature(sent)
        if place is None:
            return request
        try:
            if own := names_authorizer(sent):
                raise signed_with_authorizer(f"found {place}, and {own} of a custom authorizer")
            # unmeasured (check sigv4-http-url): whether AWS takes a signed URL for an HTTPS request. All SDKs sign the
            # header.
            if place != AUTHORIZATION:
                raise malformed_signature(f"found {place}: expected the signature in {AUTHORIZATION}")
            keys, signatures = self._core.access_keys, self._core.signatures
            if signatures.is_foreign(sent, self._services):
                return _signed(request, keys.owner.principal)
            _check_path(sent.path)
            payload = await read_body(request, MOST_JSON)
            key = signatures.verify_header(replace(sent, payload=payload), self._services)
        except SignatureRefused as refused:
            self._core.decisions.refused(
                Refused(refused.reason, refused.detail), "http_request", f"{request.method} {request.scope['path']}"
            )
            raise ApiError(403, *refused.error) from None
        return _signed(_with_body(request, payload), key.principal)


def signed_by(request: Request) -> IamPrincipal | None:
    """The principal that signed a request; None if it is not signed."""
    found = request.scope.get("state", {}).get(_KEY)
    return found if isinstance(found, IamPrincipal) else None


def _signed(request: Request, principal: IamPrincipal) -> Request:
    request.scope["state"] = {**request.scope.get("state", {}), _KEY: principal}
    return request


def _with_body(request: Request, body: bytes) -> Request:
    """The request with a body that was read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _check_path(path: bytes) -> None:
    """Refuses a path that has the same canonical form as another one, so that its signature fits both."""
    # unmeasured (check sigv4-http-dots): which topic IoT Core publishes to if a signed path has `..`, `.` or `//`,
    # which AWS normalizes.
    first, *segments = path.split(b"/")[1:] or [b""]
    if {b".", b".."} & {first, *segments} or (segments and b"" in (first, *segments[:-1])):
        raise malformed_signature("the path has dots or nothing between two slashes: write a topic's slashes as %2F")


def sent_request(request: Request) -> SentRequest:
    """A request without its body, as it came over the network."""
    scope = request.scope
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    headers = tuple((name.decode("latin-1").lower(), value) for name, value in scope["headers"])
    return SentRequest(request.method, path.partition(b"?")[0], scope["query_string"], headers)
