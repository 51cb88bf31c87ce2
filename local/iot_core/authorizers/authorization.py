"""Lets clients in: finds the authorizer, verifies the token's signature, invokes the function, checks its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iot_core.authorizers.answer import REFUSED, AuthorizerAnswer, InvalidAnswer, read_answer
from iot_core.authorizers.event import ConnectionRequest, build_event
from iot_core.authorizers.signatures import NotVerified, verify_signature
from iot_core.functions.execution_environments import ExecutionEnvironments, FunctionTimeout
from iot_core.functions.lambda_function import BrokenHandler, Invocation
from iot_core.reasons import IotCoreReason
from iot_policies import InvalidFile
from iot_policies.evaluator import Connection, Evaluator

if TYPE_CHECKING:
    from iot_core.authorizers.authorizers import AuthorizerDescription, Authorizers

NAME_KEY = "x-amz-customauthorizer-name"


class Refused(Exception):
    """A client that is not let in."""

    def __init__(self, reason: str, detail: str = "", *, decision: Mapping[str, object] | None = None) -> None:
        self.reason = reason
        """An `IotCoreReason`, or the reason code that the Lambda logged."""
        self.detail = detail
        """More, in words."""
        self.decision = decision or {}
        """The Lambda's log line; empty where it was not invoked, or logged nothing."""
        self.answer: AuthorizerAnswer | None = None
        """The Lambda's answer, where it was a no."""
        super().__init__(f"{reason}: {detail}" if detail else reason)

    def logged(self, name: str) -> str | None:
        """A field of the log line; None where it is not there, or no text."""
        return _text(self.decision.get(name))


class Forbidden(Refused):
    """A client that proved who it is, and may not connect as it asks to."""

    def __init__(self, reason: str, detail: str, authorization: "Authorization") -> None:
        super().__init__(reason, detail, decision=authorization.decision)
        self.principal_id = authorization.answer.principal_id
        """As the authorizer answered it."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A client that is let in."""

    answer: AuthorizerAnswer
    authorizer: str
    """The authorizer's name."""
    event: Mapping[str, object]
    """What the Lambda was asked."""
    decision: Mapping[str, object]
    """The Lambda's log line; empty where it logs none."""

    @property
    def principal(self) -> str | None:
        """The principal's name, as the log line has it."""
        return _text(self.decision.get("principal"))

    @property
    def source(self) -> str | None:
        """The credential source, as the log line has it."""
        return _text(self.decision.get("source"))

    def evaluator(self, connection: Connection) -> Evaluator:
        """The policy for a connection."""
        return Evaluator(self.answer.policy_documents, connection)


class Gateway:
    """Decides who is let in, as IoT Core does before and after it invokes a function."""

    def __init__(self, authorizers: "Authorizers", functions: dict[str, ExecutionEnvironments]) -> None:
        """`functions` by ARN; who changes it puts other environments in their place."""
        self._authorizers = authorizers
        self.functions = functions

    async def authorize(self, request: ConnectionRequest, *, connection_id: str | None = None) -> Authorization:
        """Lets a client in by the authorizer that it names, else by the default one. Raises Refused."""
        name = request.find(NAME_KEY) or self._authorizers.default
        if name is None:
            raise Refused(
                IotCoreReason.AUTHORIZER_MISSING, f"expected {NAME_KEY}, since there is no default authorizer"
            )
        authorizer = self._authorizers.get(name)
        if authorizer is None:
            raise Refused(IotCoreReason.AUTHORIZER_NOT_FOUND, f"there is no authorizer {name[:128]!r}")
        if authorizer.status != "ACTIVE":
            raise Refused(IotCoreReason.AUTHORIZER_INACTIVE, f"authorizer {name} is not active")
        return await self.invoke(authorizer, request, connection_id=connection_id)

    async def invoke(
        self, authorizer: "AuthorizerDescription", request: ConnectionRequest, *, connection_id: str | None = None
    ) -> Authorization:
        """Invokes an authorizer's function. Raises Refused."""
        try:
            verified = verify_signature(request, authorizer)
        except NotVerified as error:
            raise Refused(error.reason, error.detail) from None
        event = build_event(
            request,
            token_key_name=authorizer.token_key_name,
            signature_verified=verified,
            connection_id=connection_id,
        )
        invocation = await self._invoke(authorizer, event)
        try:
            answer = read_answer(invocation.answer)
        except InvalidAnswer as error:
            raise Refused(IotCoreReason.INVALID_ANSWER, str(error), decision=invocation.decision) from None
        if not answer.is_authenticated:
            reason = _text(invocation.decision.get("reason")) or IotCoreReason.NOT_AUTHENTICATED
            refused = Refused(reason, _text(invocation.decision.get("detail")) or "", decision=invocation.decision)
            refused.answer = REFUSED
            raise refused
        return Authorization(answer, authorizer.name, event, invocation.decision)

    async def _invoke(self, authorizer: "AuthorizerDescription", event: Mapping[str, object]) -> Invocation:
        environments = self.functions.get(authorizer.function_arn)
        if environments is None:
            known = ", ".join(self.functions)
            raise Refused(
                IotCoreReason.FUNCTION_NOT_FOUND, f"no function {authorizer.function_arn} is here, only {known}"
            )
        try:
            return await environments.invoke(event)
        except FunctionTimeout as error:
            raise Refused(IotCoreReason.FUNCTION_TIMEOUT, str(error)) from None
        except (BrokenHandler, InvalidFile) as error:
            raise Refused(IotCoreReason.FUNCTION_ERROR, str(error)) from None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
