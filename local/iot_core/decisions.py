"""Adds decisions about clients to the feed: what a policy allowed or denied, and which clients were refused."""

from collections.abc import Callable, Sequence
from functools import partial

from iot_core.authorizers.invocation import Authorization
from iot_core.authorizers.refused import Refused
from iot_core.feed import Feed
from iot_core.reasons import IotCoreReason

Explain = Callable[[Authorization, str, str, str | None], Sequence[str]]
"""Finds the reasons of a decision, the deciding template entry first.

It takes the client's authorization, the action in one word, the resource, and the client ID, if there is one.
"""


def unexplained(*_: object) -> Sequence[str]:
    """Finds no reasons."""
    return ()


class Decisions:
    """Adds decisions to the feed, each with an explanation that is found when a user reads it."""

    def __init__(self, feed: Feed) -> None:
        self.explain: Explain = unexplained
        """Explains decisions by the configuration in force; replaced with each configuration."""
        self._feed = feed

    def by_policy(
        self,
        authorization: Authorization,
        client_id: str | None,
        action: str,
        resource: str,
        allowed: bool,
        *,
        question: str | None = None,
        missing: str | None = None,
    ) -> None:
        """A policy allowed or denied an action, in one word, on a resource.

        For an HTTPS request, `question` is the action of an MQTT client that needs the same permission, and `missing`
        the permission that the policy does not give.
        """
        self._feed.add(
            "decision",
            partial(self.explain, authorization, action if question is None else question, resource, client_id),
            action=action,
            resource=resource,
            allowed=allowed,
            reason=None if allowed else IotCoreReason.NOT_ALLOWED_BY_POLICY,
            detail=missing,
            client_id=client_id,
            principal=authorization.principal,
            source=authorization.source,
            authorizer=authorization.authorizer,
        )

    def refused(self, refused: Refused, action: str, resource: str, *, client_id: str | None = None) -> None:
        """A client was refused, at its CONNECT, its HTTPS request or a refresh."""
        self._feed.add(
            "decision",
            action=action,
            resource=resource,
            allowed=False,
            reason=refused.reason,
            detail=refused.detail,
            client_id=client_id,
            principal=refused.logged("principal"),
            source=refused.logged("source"),
            authorizer=refused.logged("service"),
        )

    def refused_bytes(self, source: str, reason: str, detail: str = "") -> None:
        """A connection from a source address ended before its CONNECT or HTTP request."""
        self._feed.add("refused_bytes", reason=reason, detail=detail, source=source)
