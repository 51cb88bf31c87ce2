"""The rules for topic names, topic filters and client IDs, which hold under every policy.

Developer guide, "MQTT topics"; AWS General Reference, "AWS IoT Core endpoints and quotas".
"""

from iot_core.broker.limits import Limits
from iot_policies.topics import check_direct_message

_SHARE = "$share/"
"""Begins the filter of a shared subscription, `$share/NAME/FILTER` (MQTT 5.0, section 4.8.2)."""
_AWS = "$aws/"
_EVENTS = "$aws/events/"
RULES = "$aws/rules/"
"""Basic ingest. The name of a rule follows, which belongs to the prefix."""
_LONGEST_RULE = 128
"""Characters of a rule's name (CreateTopicRule, ruleName)."""

EVENTS_ARE_RESERVED = "only IoT Core publishes events"
NOT_RETAINED = "IoT Core does not retain messages to reserved topics"
"""Why IoT Core refuses a publish, although the topic is valid."""


class InvalidTopic(ValueError):
    """A topic name or topic filter that IoT Core refuses. Its text says why, without the topic."""


class InvalidClientId(ValueError):
    """A client ID that IoT Core refuses. Its text says why, without the client ID."""


def check_resource(action: str, resource: str, limits: Limits) -> None:
    """Checks what an action is on: a client ID for `connect`, a topic filter for `subscribe`, a topic for any other.

    For `send`, it is a direct message: a client ID and a topic.

    Raises ValueError, as InvalidTopic or InvalidClientId, for what IoT Core refuses under every policy.
    """
    if action == "connect":
        check_client_id(resource, limits)
    elif action == "subscribe":
        check_topic_filter(resource, limits)
    elif action == "send":
        client_id, topic = check_direct_message(resource)
        check_client_id(client_id, limits)
        check_message_topic(topic, limits)
    else:
        check_topic_name(resource, limits)
        if action in ("publish", "retain") and is_event(resource):
            raise InvalidTopic(EVENTS_ARE_RESERVED)
        if action == "retain" and is_reserved(resource):
            raise InvalidTopic(NOT_RETAINED)


def check_client_id(client_id: str, limits: Limits) -> None:
    """Checks the length of a client ID. Raises InvalidClientId."""
    if len(client_id.encode()) > limits.client_id:
        raise InvalidClientId(f"a client ID has at most {limits.client_id} bytes of UTF-8")


def check_topic_name(topic: str, limits: Limits) -> None:
    """Checks the topic of a message. Raises InvalidTopic."""
    if "+" in topic or "#" in topic:
        raise InvalidTopic("a topic name must not contain a wildcard, + or # [MQTT-3.3.2-2]")
    _check(topic, limits)
    if topic.startswith(RULES):
        name, _, rest = topic.removeprefix(RULES).partition("/")
        # unmeasured (check ingest): that IoT Core refuses basic ingest without a rule's name or without a topic
        # (assumed).
        if not (name and rest) or len(name) > _LONGEST_RULE:
            raise InvalidTopic("basic ingest needs $aws/rules/NAME/TOPIC, with the name of a rule")


def check_message_topic(topic: str, limits: Limits) -> None:
    """Checks the topic of a direct message (API_iotdata_SendDirectMessage). Raises InvalidTopic."""
    if is_reserved(topic):
        raise InvalidTopic("the topic of a direct message must not start with $")
    check_topic_name(topic, limits)


def check_topic_filter(topic_filter: str, limits: Limits) -> None:
    """Checks a topic filter, with or without `$share/NAME/`. Raises InvalidTopic."""
    share, plain = split_share(topic_filter)
    if share is not None:
        _check_share_name(share, limits)
    levels = plain.split("/")
    for level in levels:
        if len(level) > 1 and ("+" in level or "#" in level):
            raise InvalidTopic("+ and # must be the only character of their level [MQTT-4.7.1-1] [MQTT-4.7.1-2]")
    if "#" in levels[:-1]:
        raise InvalidTopic("# must be the last level [MQTT-4.7.1-1]")
    _check(plain, limits)


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """Splits a filter into its share name, or None, and the plain filter (MQTT 5.0, section 4.8.2)."""
    if not topic_filter.startswith(_SHARE):
        return None, topic_filter
    share, _, plain = topic_filter.removeprefix(_SHARE).partition("/")
    return share, plain


def is_reserved(topic: str) -> bool:
    """Whether a topic is reserved for AWS: messages to it are not retained."""
    return topic.startswith("$")


def is_event(topic: str) -> bool:
    """Whether a topic is one of IoT Core's own events, which clients must not publish."""
    return topic.startswith(_EVENTS)


def _check_share_name(share: str, limits: Limits) -> None:
    if not share or "+" in share or "#" in share:
        raise InvalidTopic("$share/NAME/FILTER: NAME must not be empty or contain + or # [MQTT-4.8.2-2]")
    if len(share.encode()) > limits.share_name:
        raise InvalidTopic(f"a share name has at most {limits.share_name} bytes of UTF-8")


def _check(topic: str, limits: Limits) -> None:
    """Checks the rules that topic names and topic filters share."""
    if not topic:
        raise InvalidTopic("a topic must not be empty [MQTT-4.7.3-1]")
    if "\0" in topic:
        raise InvalidTopic("a topic must not contain U+0000 [MQTT-4.7.3-2]")
    if is_reserved(topic) and not topic.startswith(_AWS):
        raise InvalidTopic("topics that start with $ are reserved for AWS")
    if topic.startswith(RULES):
        topic = topic.removeprefix(RULES).partition("/")[2]
    if len(topic.encode()) > limits.topic:
        raise InvalidTopic(f"a topic has at most {limits.topic} bytes of UTF-8")
    if topic.count("/") > limits.topic_slashes:
        raise InvalidTopic(f"a topic has at most {limits.topic_slashes} slashes")
