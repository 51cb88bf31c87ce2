"""What the broker asks of a policy."""

from typing import Protocol


class Permissions(Protocol):
    """What a connection's policy allows."""

    def may_publish(self, topic: str) -> bool:
        """Whether iot:Publish is allowed."""
        ...

    def may_retain(self, topic: str) -> bool:
        """Whether iot:RetainPublish is allowed."""
        ...

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether iot:Subscribe is allowed."""
        ...

    def may_receive(self, topic: str) -> bool:
        """Whether iot:Receive is allowed."""
        ...
