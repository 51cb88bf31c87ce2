"""Errors as AWS's HTTP APIs answer them: a status, a type in `x-amzn-ErrorType`, and a message in JSON."""

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


class ApiError(Exception):
    """A request that is answered with an error. Statuses and types are those of botocore's models."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, str] | None = None,
    ) -> None:
        """`members` stand beside the message in the answer's body."""
        self.status = status
        """The HTTP status."""
        self.error_type = error_type
        """The exception's name in AWS's models."""
        self.message = message
        """What is wrong, for people."""
        self._headers = headers or {}
        self._members = members or {}
        super().__init__(f"{error_type}: {message}")

    def response(self) -> JSONResponse:
        """The answer."""
        headers = {"x-amzn-ErrorType": self.error_type, **self._headers}
        return JSONResponse({"message": self.message, **self._members}, self.status, headers)


def invalid_request(message: str) -> ApiError:
    """The request is wrong in itself."""
    return ApiError(400, "InvalidRequestException", message)


def invalid_member(member: str, constraint: str) -> ApiError:
    """A member of the request breaks a constraint, as "Member must not be null"."""
    return invalid_request(violation(member, constraint))


def not_found(message: str) -> ApiError:
    """What the request names does not exist."""
    return ApiError(404, "ResourceNotFoundException", message)


def unauthorized() -> ApiError:
    """The credentials are refused; why is for the feed alone."""
    return ApiError(401, "UnauthorizedException", "Unauthorized")


def forbidden() -> ApiError:
    """The policy does not allow it; why is for the feed alone."""
    return ApiError(403, "ForbiddenException", "Forbidden")


def throttled(message: str) -> ApiError:
    """A limit of the account is reached."""
    return ApiError(429, "ThrottlingException", message)


def too_large(most: int) -> ApiError:
    """The body has more than `most` bytes."""
    return ApiError(
        413, "RequestEntityTooLargeException", f"The payload exceeds the maximum size allowed: {most} bytes"
    )


def unknown_operation(method: str, path: str) -> ApiError:
    """There is nothing at that path."""
    return ApiError(404, "UnknownOperationException", f"{method} {path} is no operation that is served here")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    """There is something at that path, but not for this method."""
    message = f"{method} is not supported here: use {allowed}"
    return ApiError(405, "MethodNotAllowedException", message, headers={"Allow": allowed})


def internal_failure() -> ApiError:
    """Something is wrong with us; what, is for the log."""
    return ApiError(500, "InternalFailureException", "An unexpected error has occurred: see the log")


@contextmanager
def authorizer_errors(arn: Callable[[str, str], str]) -> Iterator[None]:
    """The errors of authorizers, as AWS names them. `arn` makes one of a kind and a name. Raises ApiError."""
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
