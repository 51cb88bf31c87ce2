"""What a topic name and a topic filter may look like (developer guide, "MQTT topics", and the quotas)."""

from iot_core.broker.limits import Limits

_SHARE = "$share/"
"""What a shared subscription's filter begins with, before its name (MQTT 5.0, section 4.8.2)."""
_AWS = "$aws/"
_EVENTS = "$aws/events/"
_RULES = "$aws/rules/"
"""Basic ingest: the rule's name behind it belongs to the prefix."""


class InvalidTopic(ValueError):
    """A topic name or a topic filter that IoT Core does not take. Its text says why, without the topic."""


def check_topic_name(topic: str, limits: Limits) -> None:
    """Checks the topic of a message. Raises InvalidTopic."""
    if "+" in topic or "#" in topic:
        raise InvalidTopic("a topic name holds no wildcard [MQTT-3.3.2-2]")
    _check(topic, limits)


def check_topic_filter(topic_filter: str, limits: Limits) -> None:
    """Checks what a client subscribes to, `$share/NAME/` in front or not. Raises InvalidTopic."""
    share, plain = split_share(topic_filter)
    if share is not None:
        _check_share_name(share, limits)
    levels = plain.split("/")
    if any(len(level) > 1 and ("+" in level or "#" in level) for level in levels):
        raise InvalidTopic("+ and # stand alone in a level [MQTT-4.7.1-1] [MQTT-4.7.1-2]")
    if "#" in levels[:-1]:
        raise InvalidTopic("# stands only at the end [MQTT-4.7.1-1]")
    _check(plain, limits)


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """A filter's share name, None where it has none, and the filter itself (MQTT 5.0, section 4.8.2)."""
    if not topic_filter.startswith(_SHARE):
        return None, topic_filter
    share, _, plain = topic_filter.removeprefix(_SHARE).partition("/")
    return share, plain


def is_reserved(topic: str) -> bool:
    """Whether a topic belongs to AWS: no message to it is retained."""
    return topic.startswith("$")


def is_event(topic: str) -> bool:
    """Whether a topic is for IoT Core's own events, which no client publishes."""
    return topic.startswith(_EVENTS)


def _check_share_name(share: str, limits: Limits) -> None:
    if not share or "+" in share or "#" in share:
        raise InvalidTopic("$share/NAME/FILTER: a share name has a character at least, and no wildcard [MQTT-4.8.2-2]")
    if len(share.encode()) > limits.share_name:
        raise InvalidTopic(f"a share name has at most {limits.share_name} bytes of UTF-8")


def _check(topic: str, limits: Limits) -> None:
    """What holds for names and filters alike."""
    if not topic:
        raise InvalidTopic("a topic is not empty [MQTT-4.7.3-1]")
    if "\0" in topic:
        raise InvalidTopic("a topic holds no U+0000 [MQTT-4.7.3-2]")
    if is_reserved(topic) and not topic.startswith(_AWS):
        raise InvalidTopic("topics that start with $ are reserved")
    if topic.startswith(_RULES):
        topic = topic.removeprefix(_RULES).partition("/")[2]
    if len(topic.encode()) > limits.topic:
        raise InvalidTopic(f"a topic has at most {limits.topic} bytes of UTF-8")
    if topic.count("/") > limits.topic_slashes:
        raise InvalidTopic(f"a topic has at most {limits.topic_slashes} slashes")
