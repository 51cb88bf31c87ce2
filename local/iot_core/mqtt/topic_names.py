"""Which strings may name a topic."""


def is_topic_name(text: str) -> bool:
    """Whether a string is at least a character long [MQTT-4.7.3-1] and without wildcards [MQTT-4.7.1-1]."""
    return text != "" and "+" not in text and "#" not in text
