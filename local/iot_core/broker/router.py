"""The subscription tree: which subscriptions match a topic.

The rules (MQTT 5.0, sections 3.3.4 and 4.7; developer guide, "MQTT topics"):
- `+` matches one level, `#` matches one level or more: as in IoT Core, `a/#` does not match `a`.
- A wildcard at the start does not match a topic that starts with `$` [MQTT-4.7.2-1].
- A client with several matching filters gets a message once, with their highest QoS [MQTT-3.3.4-2].
- Members of a shared subscription form a group, which gets a message once.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from iot_core.broker.topics import split_share
from iot_core.mqtt import Subscription

_CACHED_TOPICS = 4096

Subscriber = TypeVar("Subscriber")

Member = tuple[Subscriber, Subscription]
Group = deque[Member[Subscriber]]
"""The members of a shared subscription. The first is next."""


@dataclass(slots=True)
class _Node(Generic[Subscriber]):
    """One level of all topic filters."""

    children: "dict[str, _Node[Subscriber]]" = field(default_factory=dict)
    subscribers: dict[Subscriber, Subscription] = field(default_factory=dict)
    groups: "dict[str, Group[Subscriber]]" = field(default_factory=dict)
    """By share name."""

    def is_empty(self) -> bool:
        """Whether neither this node nor its children have subscriptions."""
        return not (self.children or self.subscribers or self.groups)


@dataclass(frozen=True, slots=True)
class Routes(Generic[Subscriber]):
    """The subscriptions that match one topic."""

    each: tuple[Member[Subscriber], ...]
    """All of these get a message. Each subscriber is in it once."""
    groups: tuple[Group[Subscriber], ...]
    """One member of each of these gets a message."""


class Router(Generic[Subscriber]):
    """All subscriptions, in a tree with a node for each level of their filters."""

    def __init__(self) -> None:
        self._root: _Node[Subscriber] = _Node()
        self._routes: dict[str, Routes[Subscriber]] = {}

    def is_empty(self) -> bool:
        """Whether there are no subscriptions."""
        return self._root.is_empty()

    def has_filters(self, first_level: str) -> bool:
        """Whether a filter begins with this level."""
        return first_level in self._root.children

    def add(self, subscriber: Subscriber, subscription: Subscription) -> None:
        """Adds a subscription, or replaces the subscriber's one with the same filter."""
        self._routes.clear()
        share, plain = split_share(subscription.topic_filter)
        node = self._root
        for level in plain.split("/"):
            node = node.children.setdefault(level, _Node())
        if share is None:
            node.subscribers[subscriber] = subscription
            return
        group = node.groups.setdefault(share, deque())
        _leave(group, subscriber)
        group.append((subscriber, subscription))

    def remove(self, subscriber: Subscriber, topic_filter: str) -> None:
        """Removes a subscription, if it exists."""
        self._routes.clear()
        share, plain = split_share(topic_filter)
        path = self._path(plain)
        if path is None:
            return
        node = path[-1][1]
        if share is None:
            node.subscribers.pop(subscriber, None)
        elif group := node.groups.get(share):
            _leave(group, subscriber)
            if not group:
                del node.groups[share]
        for (_, parent), (level, child) in zip(reversed(path[:-1]), reversed(path[1:]), strict=True):
            if not child.is_empty():
                return
            del parent.children[level]

    def group(self, topic_filter: str) -> Group[Subscriber] | None:
        """Returns the members of a shared subscription, `$share/NAME/FILTER`, or None."""
        share, plain = split_share(topic_filter)
        path = self._path(plain)
        return None if share is None or path is None else path[-1][1].groups.get(share)

    def routes(self, topic: str) -> Routes[Subscriber]:
        """Returns the subscriptions that match a topic. They are cached until a subscription changes."""
        found = self._routes.get(topic)
        if found is None:
            if len(self._routes) >= _CACHED_TOPICS:
                self._routes.clear()
            found = self._routes[topic] = self._look_up(topic)
        return found

    def _path(self, plain: str) -> list[tuple[str, _Node[Subscriber]]] | None:
        """Returns the nodes of a filter from the root on, each with its level, or None."""
        path = [("", self._root)]
        for level in plain.split("/"):
            node = path[-1][1].children.get(level)
            if node is None:
                return None
            path.append((level, node))
        return path

    def _look_up(self, topic: str) -> Routes[Subscriber]:
        each: dict[Subscriber, Subscription] = {}
        groups: list[Group[Subscriber]] = []
        for node in _matching(self._root, topic.split("/"), 0, wildcards=not topic.startswith("$")):
            for subscriber, subscription in node.subscribers.items():
                other = each.get(subscriber)
                each[subscriber] = _merged(other, subscription) if other else subscription
            groups += node.groups.values()
        return Routes(tuple(each.items()), tuple(groups))


def _matching(
    node: _Node[Subscriber], levels: list[str], index: int, *, wildcards: bool = True
) -> Iterator[_Node[Subscriber]]:
    """Yields the last nodes of all filters that match. `wildcards` says whether the next level may be a wildcard."""
    if index == len(levels):
        yield node
        return
    if child := node.children.get(levels[index]):
        yield from _matching(child, levels, index + 1)
    if wildcards:
        if child := node.children.get("+"):
            yield from _matching(child, levels, index + 1)
        if child := node.children.get("#"):
            yield child


def _merged(one: Subscription, other: Subscription) -> Subscription:
    """Merges two matching subscriptions of one client into the more generous one."""
    return replace(
        one,
        qos=max(one.qos, other.qos),
        no_local=one.no_local and other.no_local,
        retain_as_published=one.retain_as_published or other.retain_as_published,
    )


def _leave(group: Group[Subscriber], subscriber: Subscriber) -> None:
    for member in [member for member in group if member[0] == subscriber]:
        group.remove(member)
