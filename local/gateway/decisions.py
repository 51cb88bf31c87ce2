"""Tells the feed who may do what, and who may not."""

from collections.abc import Callable, Sequence
from functools import partial

from local.gateway.authorization import Authorization, Refused
from local.gateway.feed import Feed

Explain = Callable[[Authorization, str, str, str], Sequence[str]]
"""Gives the reasons of a decision: of whom, the action in one word, the resource, the client ID."""


class Decisions:
    """Decisions about clients, on their way to the feed."""

    def __init__(self, feed: Feed, explain: Explain) -> None:
        self._feed = feed
        self._explain = explain

    def by_policy(
        self, authorization: Authorization, client_id: str, action: str, resource: str, allowed: bool
    ) -> None:
        """What the policy of a client says of an action, in one word, on a resource."""
        self._feed.add(
            "decision",
            partial(self._explain, authorization, action, resource, client_id),
            action=action,
            resource=resource,
            allowed=allowed,
            reason=None if allowed else "not_allowed_by_policy",
            client_id=client_id,
            principal=authorization.principal,
            door=authorization.door,
            authorizer=authorization.authorizer,
        )

    def refused(self, client_id: str, refused: Refused, *, action: str = "connect") -> None:
        """A client is not let in, or not any more."""
        self._feed.add(
            "decision",
            action=action,
            resource=client_id,
            allowed=False,
            reason=refused.reason,
            detail=refused.detail,
            client_id=client_id,
            principal=refused.logged("principal"),
            door=refused.logged("door"),
            authorizer=refused.logged("service"),
        )

    def refused_bytes(self, source: str, reason: str, detail: str = "") -> None:
        """A connection from a source ended before it said who it is."""
        self._feed.add("refused_bytes", reason=reason, detail=detail, source=source)
