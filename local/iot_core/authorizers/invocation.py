"""Authorizes a client, as IoT Core does before, while and after it invokes an authorizer's function.

1. The client names an authorizer, or the account has a default one. It must exist and be active.
2. With signing enabled, the token's signature is verified first: without a valid one, no function is invoked.
3. The function gets the event, and must answer in time. Its answer is checked as strictly as IoT Core does.
4. Anything but a valid answer with `isAuthenticated: true` is a refusal.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from iot_core.authorizers.answer import AuthorizerAnswer, InvalidAnswer, read_answer
from iot_core.authorizers.event import ConnectionRequest, build_event
from iot_core.authorizers.registry import Authorizers
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.functions.execution_environments import EnvironmentsBusy, ExecutionEnvironments, FunctionTimeout
from iot_core.functions.lambda_function import Answer, BrokenHandler, Invocation
from iot_core.iam.access_keys import IamPrincipal
from iot_core.reasons import IotCoreReason
from iot_policies import InvalidFile
from iot_policies.connection import Connection
from iot_policies.evaluator import Evaluator

NAME_KEY = "x-amz-customauthorizer-name"
SIGNATURE_KEY = "x-amz-customauthorizer-signature"
_NO_PADDING = "the token's signature lacks its base64 padding (=): send it, since AWS may refuse it without"


@dataclass(frozen=True, slots=True)
class AuthorizerCall:
    """One invocation of an authorizer's function: the event, and what the function logged about it.

    Of the log line, which is empty if the function logged none, only the texts that IoT Core reports are kept.
    """

    authorizer: str
    """The authorizer's name."""
    event: Mapping[str, object]
    """The event that the Lambda got."""
    decision: InitVar[Mapping[str, object]]
    """The Lambda's log line."""
    principal: str | None = field(init=False)
    """The principal's name."""
    source: str | None = field(init=False)
    """The credential source."""
    hint: str | None = field(init=False)
    """What looks like a credential that the authorizer did not read."""
    reason: str | None = field(init=False)
    """The reason code of a refusal."""
    detail: str | None = field(init=False)
    """What was found and expected, in words."""

    def __post_init__(self, decision: Mapping[str, object]) -> None:
        for name in ("principal", "source", "hint", "reason", "detail"):
            value = decision.get(name)
            object.__setattr__(self, name, value if isinstance(value, str) else None)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer of an authorizer that authenticated a client."""

    call: AuthorizerCall
    answer: AuthorizerAnswer
    generation: int = 0
    """The generation of the authorizers in which the Lambda was asked."""
    warning: str | None = None
    """What IoT Core accepts here and may refuse in AWS; None if there is nothing."""

    @property
    def principal_id(self) -> str:
        """The principal ID, as the Lambda answered it."""
        return self.answer.principal_id

    def evaluator(self, connection: Connection) -> Evaluator:
        """The policy for a connection."""
        return Evaluator(self.answer.policies, connection)


class Asked(NamedTuple):
    """What a client wants to do, as the feed explains it."""

    action: str
    """In one word, such as `connect` or `publish`."""
    resource: str
    """A client ID, a topic or a topic filter."""
    client_id: str | None
    connect_attributes: frozenset[str] = frozenset()
    """Of a CONNECT: `LastWill`, `PersistentConnect`."""


class Refused(Exception):
    """IoT Core or the authorizer refuses a client."""

    def __init__(self, reason: str, detail: str = "", *, call: AuthorizerCall | None = None) -> None:
        self.reason = reason
        """A reason code: an `IotCoreReason`, or one of the Lambda's (docs/reference/log-and-reason-codes.md)."""
        self.detail = detail
        """What was found and expected, in words."""
        self.call = call
        """The invocation; None if the function was not invoked, or did not answer."""
        super().__init__(f"{reason}: {detail}" if detail else reason)


class NotAuthenticated(Refused):
    """The Lambda answered with `isAuthenticated: false`."""

    def __init__(self, call: AuthorizerCall) -> None:
        super().__init__(call.reason or IotCoreReason.NOT_AUTHENTICATED, call.detail or "", call=call)


class Forbidden(Refused):
    """The client has valid credentials, and its policy does not allow this CONNECT."""

    def __init__(self, reason: str, detail: str, by: Authorization | IamPrincipal, denied: Asked) -> None:
        super().__init__(reason, detail, call=by.call if isinstance(by, Authorization) else None)
        self.by = by
        """The authorizer's answer, or the principal of a signed request."""
        self.denied = denied
        """What the policy does not allow: the connection, or the publish of its Will."""


class AuthorizerInvoker:
    """Invokes the functions of authorizers."""

    def __init__(self, authorizers: Authorizers) -> None:
        self.functions: Mapping[str, ExecutionEnvironments] = {}
        """The functions on this machine by ARN; replaced with each configuration."""
        self._authorizers = authorizers

    async def authorize(self, request: ConnectionRequest, *, connection_id: str | None = None) -> Authorization:
        """Authorizes a client by the authorizer that it names, or by the default one. Raises Refused."""
        name = request.find(NAME_KEY) or self._authorizers.default
        if name is None:
            expected = f"expected {NAME_KEY}, because there is no default authorizer"
            raise Refused(IotCoreReason.AUTHORIZER_MISSING, expected + request.similar(NAME_KEY))
        authorizer = self._authorizers.get(name)
        if authorizer is None:
            raise Refused(IotCoreReason.AUTHORIZER_NOT_FOUND, f"there is no authorizer {name[:128]!r}")
        if authorizer.status != "ACTIVE":
            raise Refused(IotCoreReason.AUTHORIZER_INACTIVE, f"authorizer {name} is not active")
        authorization, _ = await self.invoke(authorizer, request, connection_id=connection_id)
        return authorization

    async def invoke(
        self, authorizer: AuthorizerDescription, request: ConnectionRequest, *, connection_id: str | None = None
    ) -> tuple[Authorization, Answer]:
        """Invokes an authorizer's function, active or not; returns also its answer as it came. Raises Refused."""
        generation = self._authorizers.generation
        signature = verify_signature(request, authorizer)
        event = build_event(
            request,
            token_key_name=authorizer.token_key_name,
            signature_verified=signature.verified,
            connection_id=connection_id,
        )
        answer, decision, _ = await self._invoke(authorizer, event)
        call = AuthorizerCall(authorizer.name, event, decision)
        return Authorization(call, accepted(answer, call), generation, signature.warning), answer

    async def _invoke(self, authorizer: AuthorizerDescription, event: Mapping[str, object]) -> Invocation:
        function = self.functions.get(authorizer.function_arn)
        if function is None:
            known = ", ".join(self.functions)
            detail = f"there is no function {authorizer.function_arn} on this machine, only {known}"
            raise Refused(IotCoreReason.FUNCTION_NOT_FOUND, detail)
        return await run_function(function, event)


async def run_function(function: ExecutionEnvironments, event: Mapping[str, object]) -> Invocation:
    """Runs a function on an event. Raises Refused."""
    try:
        return await function.invoke(event)
    except FunctionTimeout as error:
        raise Refused(IotCoreReason.FUNCTION_TIMEOUT, str(error)) from None
    except EnvironmentsBusy as error:
        raise Refused(IotCoreReason.ENVIRONMENTS_BUSY, str(error)) from None
    except (BrokenHandler, InvalidFile) as error:
        raise Refused(IotCoreReason.FUNCTION_ERROR, str(error)) from None


def accepted(answer: Mapping[str, object], call: AuthorizerCall) -> AuthorizerAnswer:
    """Reads an answer that authenticates the client, within IoT Core's limits. Raises Refused for any other."""
    try:
        checked = read_answer(answer)
    except InvalidAnswer as error:
        raise Refused(IotCoreReason.INVALID_ANSWER, str(error), call=call) from None
    if checked is None:
        raise NotAuthenticated(call)
    return checked


class Signature(NamedTuple):
    """What is known about a token's signature."""

    verified: bool
    """Whether a public key of the authorizer verifies it; False if signing is disabled."""
    warning: str | None = None
    """What IoT Core may refuse about it in AWS; None if there is nothing."""


def verify_signature(request: ConnectionRequest, authorizer: AuthorizerDescription) -> Signature:
    """Verifies a token's signature, RSASSA-PKCS1-v1_5 with SHA-256, unless the authorizer disables signing.

    Raises Refused if the token or its signature is missing or invalid.
    """
    if authorizer.signing_disabled:
        return Signature(verified=False)
    token = request.find_token(authorizer.token_key_name or "")
    if token is None:
        key = authorizer.token_key_name or ""
        expected = f"signing is enabled: expected a token under {key}"
        raise Refused(IotCoreReason.TOKEN_MISSING, expected + request.similar(key))
    text = request.token_signature or request.find(SIGNATURE_KEY)
    if text is None:
        expected = f"signing is enabled: expected {SIGNATURE_KEY}"
        raise Refused(IotCoreReason.SIGNATURE_MISSING, expected + request.similar(SIGNATURE_KEY))
    try:
        # unmeasured (check signature-unpadded): whether a token's signature may be base64 without padding, as
        # API_TestInvokeAuthorizer's pattern allows (assumed: yes).
        padding = "=" * (-len(text) % 4)
        signature, message = base64.b64decode(text + padding, validate=True), token.encode()
    except binascii.Error:
        # unmeasured (check signature-url-safe): that IoT Core refuses URL-safe base64 (assumed).
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "the token's signature is not standard base64") from None
    except ValueError:  # base64 and UTF-8 cannot hold lone surrogates.
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "the token or its signature is not valid text") from None
    if not any(_verifies(_public_key(pem), signature, message) for pem in authorizer.public_keys.values()):
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "no public key of the authorizer verifies the token's signature")
    return Signature(verified=True, warning=_NO_PADDING if padding else None)


def _verifies(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):  # The registry checks keys before it keeps them.
        raise TypeError("expected an RSA key")
    return key
