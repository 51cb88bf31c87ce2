"""The errors of AWS's HTTP APIs: a status, a type in the header `x-amzn-ErrorType`, and a message in JSON."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from starlette.responses import JSONResponse

from iot_core.authorizers.rules import (
    AuthorizerExists,
    AuthorizerInUse,
    InvalidAuthorizer,
    UnknownAuthorizer,
    violation,
)
from iot_core.rules.topic_rule import InvalidRuleSql, InvalidTopicRule, TopicRuleExists, UnknownTopicRule


class ApiError(Exception):
    """The answer to a request is an error. Statuses and types are those of botocore's models."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, str] | None = None,
    ) -> None:
        """`members` are added to the answer's body, which has the message."""
        self.status = status
        """The HTTP status."""
        self.error_type = error_type
        """The exception's name in AWS's models."""
        self.message = message
        """What is wrong, in words."""
        self._headers = headers or {}
        self._members = members or {}
        super().__init__(f"{error_type}: {message}")

    def response(self) -> JSONResponse:
        """Makes the HTTP answer."""
        headers = {"x-amzn-ErrorType": self.error_type, **self._headers}
        return JSONResponse({"message": self.message, **self._members}, self.status, headers)


def invalid_request(message: str) -> ApiError:
    """Makes the error of a request that is invalid in any state of the account."""
    return ApiError(400, "InvalidRequestException", message)


def invalid_member(member: str, constraint: str) -> ApiError:
    """Makes the error of a member that breaks a constraint, such as "Member must not be null"."""
    return invalid_request(violation(member, constraint))


def not_found(message: str) -> ApiError:
    """Makes the error of a resource that does not exist."""
    return ApiError(404, "ResourceNotFoundException", message)


def unauthorized() -> ApiError:
    """Makes the error of refused credentials. Only the feed has the reason."""
    return ApiError(401, "UnauthorizedException", "Unauthorized")


def forbidden() -> ApiError:
    """Makes the error of a request that the policy does not allow. Only the feed has the reason."""
    return ApiError(403, "ForbiddenException", "Forbidden")


def access_denied(arn: str, action: str, resource: str) -> ApiError:
    """Makes the error of a signed request that the policies of its principal do not allow, in IAM's words."""
    message = f"User: {arn} is not authorized to perform: {action} on resource: {resource}"
    return ApiError(403, "AccessDeniedException", message)


def throttled(message: str) -> ApiError:
    """Makes the error of a limit of the account."""
    return ApiError(429, "ThrottlingException", message)


def too_large(message: str) -> ApiError:
    """Makes the error of a body that is too large for this endpoint, or for the client that must get it."""
    return ApiError(413, "RequestEntityTooLargeException", message)


def gateway_timeout(message: str) -> ApiError:
    """Makes the error of an answer that did not come in time from behind this endpoint."""
    return ApiError(504, "GatewayTimeoutException", message)


def unknown_operation(method: str, path: str) -> ApiError:
    """Makes the error of a path without operations."""
    return ApiError(404, "UnknownOperationException", f"{method} {path} is not an operation of this endpoint")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    """Makes the error of a path that has operations, but not for this method."""
    message = f"{method} is not supported here: use {allowed}"
    return ApiError(405, "MethodNotAllowedException", message, headers={"Allow": allowed})


def internal_failure() -> ApiError:
    """Makes the error of an exception in this endpoint. Only the log has the exception."""
    return ApiError(500, "InternalFailureException", "An unexpected error has occurred: see the log")


@contextmanager
def authorizer_errors(arn: Callable[[str, str], str]) -> Iterator[None]:
    """Raises the errors of the authorizers' registry as ApiError. `arn` makes an ARN of a kind and a name."""
    try:
        yield
    except InvalidAuthorizer as error:
        raise invalid_request(str(error)) from None
    except UnknownAuthorizer as error:
        raise not_found(str(error)) from None
    except AuthorizerInUse as error:
        raise ApiError(409, "DeleteConflictException", str(error)) from None
    except AuthorizerExists as error:
        members = {"resourceId": error.name, "resourceArn": arn("authorizer", error.name)}
        raise ApiError(409, "ResourceAlreadyExistsException", str(error), members=members) from None


@contextmanager
def topic_rule_errors(arn: Callable[[str, str], str], name: str) -> Iterator[None]:
    """Raises the errors of the rules' registry as ApiError, for the rule of this name."""
    try:
        yield
    except InvalidRuleSql as error:
        raise ApiError(400, "SqlParseException", str(error)) from None
    except InvalidTopicRule as error:
        raise invalid_request(str(error)) from None
    except UnknownTopicRule as error:
        raise ApiError(401, "UnauthorizedException", str(error)) from None
    except TopicRuleExists as error:
        members = {"resourceId": name, "resourceArn": arn("rule", name)}
        raise ApiError(409, "ResourceAlreadyExistsException", str(error), members=members) from None
