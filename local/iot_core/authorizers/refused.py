"""How IoT Core refuses a client: a reason code, details for the developer, and the Lambda's log line."""

from collections.abc import Mapping


class Refused(Exception):
    """IoT Core or the authorizer refuses a client."""

    def __init__(self, reason: str, detail: str = "", *, decision: Mapping[str, object] | None = None) -> None:
        self.reason = reason
        """A reason code: an `IotCoreReason`, or one of the Lambda's (docs/reference/log-and-reason-codes.md)."""
        self.detail = detail
        """What was found and expected, in words."""
        self.decision = decision or {}
        """The Lambda's log line; empty if it was not invoked, or logged nothing."""
        super().__init__(f"{reason}: {detail}" if detail else reason)

    def logged(self, name: str) -> str | None:
        """A text field of the log line; None if it is missing."""
        value = self.decision.get(name)
        return value if isinstance(value, str) else None


class NotAuthenticated(Refused):
    """The Lambda answered with `isAuthenticated: false`."""

    def __init__(self, reason: str, *, decision: Mapping[str, object]) -> None:
        super().__init__(reason, decision=decision)
        self.reason = self.logged("reason") or reason
        self.detail = self.logged("detail") or ""


class Forbidden(Refused):
    """The Lambda authenticated the client, and its policy does not allow this CONNECT."""

    def __init__(self, reason: str, detail: str, *, principal_id: str, decision: Mapping[str, object]) -> None:
        super().__init__(reason, detail, decision=decision)
        self.principal_id = principal_id
        """As the Lambda answered it."""
