"""What the policy of one connection allows."""

from collections.abc import Callable

from iot_policies.evaluator import Evaluator

CACHED_TOPICS = 2048
"""Topics that are cached for each action."""

OnDecision = Callable[[str, str, bool], None]
"""Called once for each decision with the action in one word, the topic, and whether it is allowed."""


class Permissions:
    """An evaluator with a cache: a busy connection asks the same questions again and again."""

    __slots__ = ("_evaluator", "_on_decision", "_prefix", "_publish", "_receive", "_retain")

    def __init__(self, evaluator: Evaluator, prefix: str, on_decision: OnDecision) -> None:
        """`prefix` is `arn:aws:iot:REGION:ACCOUNT:`."""
        self._evaluator = evaluator
        self._prefix = prefix
        self._on_decision = on_decision
        self._publish: dict[str, bool] = {}
        self._retain: dict[str, bool] = {}
        self._receive: dict[str, bool] = {}

    def may_publish(self, topic: str) -> bool:
        """Whether iot:Publish is allowed on `topic/TOPIC`."""
        found = self._publish.get(topic)
        return self._decide(self._publish, "iot:Publish", "publish", topic) if found is None else found

    def may_retain(self, topic: str) -> bool:
        """Whether iot:RetainPublish is allowed on `topic/TOPIC`."""
        found = self._retain.get(topic)
        return self._decide(self._retain, "iot:RetainPublish", "retain", topic) if found is None else found

    def may_receive(self, topic: str) -> bool:
        """Whether iot:Receive is allowed on `topic/TOPIC`."""
        found = self._receive.get(topic)
        return self._decide(self._receive, "iot:Receive", "receive", topic) if found is None else found

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether iot:Subscribe is allowed on `topicfilter/FILTER`."""
        allowed = self._evaluator.allows("iot:Subscribe", f"{self._prefix}topicfilter/{topic_filter}")
        self._on_decision("subscribe", topic_filter, allowed)
        return allowed

    def may_connect(self, client_id: str) -> bool:
        """Whether iot:Connect is allowed on `client/ID`."""
        return self._evaluator.allows("iot:Connect", f"{self._prefix}client/{client_id}")

    def _decide(self, known: dict[str, bool], action: str, word: str, topic: str) -> bool:
        allowed = self._evaluator.allows(action, f"{self._prefix}topic/{topic}")
        if len(known) >= CACHED_TOPICS:
            known.clear()
        known[topic] = allowed
        self._on_decision(word, topic, allowed)
        return allowed
