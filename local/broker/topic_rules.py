"""What a topic name and a topic filter may look like (developer guide, "MQTT topics", and the quotas)."""

from local.broker.limits import Limits

_RULES = "$aws/rules/"
"""Basic ingest: the rule's name behind it belongs to the prefix."""


class InvalidTopic(ValueError):
    """A topic name or a topic filter that IoT Core does not take. Its text says why, without the topic."""


def check_topic_name(topic: str, limits: Limits) -> None:
    """Checks the topic of a message. Raises InvalidTopic."""
    if not topic:
        raise InvalidTopic("a topic name is not empty [MQTT-4.7.3-1]")
    if "+" in topic or "#" in topic:
        raise InvalidTopic("a topic name holds no wildcard [MQTT-3.3.2-2]")
    if "\0" in topic:
        raise InvalidTopic("a topic holds no U+0000 [MQTT-4.7.3-2]")
    if topic.startswith("$") and not topic.startswith("$aws/"):
        raise InvalidTopic("topics that start with $ are reserved")
    _check_size(topic, limits)


def check_topic_filter(topic_filter: str, limits: Limits) -> None:
    """Checks what a client subscribes to, `$share/NAME/` in front or not. Raises InvalidTopic."""
    share, plain = split_share(topic_filter)
    if share is not None and (not share or "+" in share or "#" in share):
        raise InvalidTopic("$share/NAME/FILTER: a share name has a character at least, and no wildcard [MQTT-4.8.2-1]")
    if not plain:
        raise InvalidTopic("a topic filter is not empty [MQTT-4.7.3-1]")
    if "\0" in plain:
        raise InvalidTopic("a topic filter holds no U+0000 [MQTT-4.7.3-2]")
    levels = plain.split("/")
    for level in levels:
        if ("+" in level or "#" in level) and len(level) > 1:
            raise InvalidTopic("+ and # stand alone in a level [MQTT-4.7.1-2] [MQTT-4.7.1-3]")
    if "#" in levels[:-1]:
        raise InvalidTopic("# stands in the last level [MQTT-4.7.1-2]")
    if plain.startswith("$") and not plain.startswith("$aws/"):
        raise InvalidTopic("topics that start with $ are reserved")
    _check_size(plain, limits)


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """A filter's share name, None where it has none, and the filter itself (MQTT 5.0, section 4.8.2)."""
    if not topic_filter.startswith("$share/"):
        return None, topic_filter
    _, _, rest = topic_filter.partition("/")
    share, _, plain = rest.partition("/")
    return share, plain


def is_reserved(topic: str) -> bool:
    """Whether a topic belongs to AWS: no message to it is retained."""
    return topic.startswith("$")


def _check_size(topic: str, limits: Limits) -> None:
    if topic.startswith(_RULES):
        topic = topic.removeprefix(_RULES).partition("/")[2]
    if len(topic.encode()) > limits.topic:
        raise InvalidTopic(f"a topic has at most {limits.topic} bytes of UTF-8")
    if topic.count("/") > limits.topic_slashes:
        raise InvalidTopic(f"a topic has at most {limits.topic_slashes} slashes")
