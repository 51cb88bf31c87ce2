"""Tells the feed who may do what, and who may not."""

from collections.abc import Callable, Sequence

from iot_core.authorizers.authorization import Authorization, Refused
from iot_core.feed import Feed
from iot_core.reasons import IotCoreReason

Explain = Callable[[Authorization, str, str, str | None], Callable[[], Sequence[str]]]
"""Is told who, the action in one word, the resource, the client ID if there is one. Gives what finds the reasons."""


class Decisions:
    """Decisions about clients, on their way to the feed."""

    def __init__(self, feed: Feed, explain: Explain) -> None:
        self._feed = feed
        self._explain = explain

    def by_policy(
        self, authorization: Authorization, client_id: str, action: str, resource: str, allowed: bool
    ) -> None:
        """What the policy of an MQTT client says of an action, in one word, on a resource."""
        self._by_policy(authorization, client_id, action, resource, allowed, action, None)

    def over_https(
        self, authorization: Authorization, action: str, resource: str, question: str, missing: str | None
    ) -> None:
        """What a policy says of a request, an action on a resource: `missing` is the permission that it lacks, if any.

        `question` is what an MQTT client would have had to ask for.
        """
        self._by_policy(authorization, None, action, resource, missing is None, question, missing)

    def refused(self, refused: Refused, action: str, resource: str, *, client_id: str | None = None) -> None:
        """A client is not let in, or not any more."""
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

    def refused_bytes(self, source: str, reason: IotCoreReason, detail: str = "") -> None:
        """A connection from a source ended before it said who it is."""
        self._feed.add("refused_bytes", reason=reason, detail=detail, source=source)

    def _by_policy(
        self,
        authorization: Authorization,
        client_id: str | None,
        action: str,
        resource: str,
        allowed: bool,
        question: str,
        detail: str | None,
    ) -> None:
        self._feed.add(
            "decision",
            self._explain(authorization, question, resource, client_id),
            action=action,
            resource=resource,
            allowed=allowed,
            reason=None if allowed else IotCoreReason.NOT_ALLOWED_BY_POLICY,
            detail=detail,
            client_id=client_id,
            principal=authorization.principal,
            source=authorization.source,
            authorizer=authorization.authorizer,
        )
