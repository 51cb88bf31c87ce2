"""Puts the topics of a template below a prefix, so that two stages in one account share no topics.

1. A prefix is one or more plain levels, such as `dev`, without wildcards, placeholders and `$`.
2. It stands in front of each entry of `publish`, `retain` and `subscribe`, in `$share/NAME/FILTER` in front of the
   filter. Client IDs have no prefix.
3. Reserved topics, `$aws/…`, keep their names: they belong to AWS and to the whole account.
4. A deny that begins with a wildcard also denies reserved topics, as it does without a prefix.
5. All other rules of templates hold for the entry with its prefix: IoT Core's limits count it too.
"""

from iot_policies.placeholders import is_safe
from iot_policies.topics import HASH, PLUS, Levels, lead

_MOST_LEVELS = 7
"""IoT Core accepts 7 slashes in a topic, and at least one level follows the prefix."""
_LONGEST = 254
"""Bytes of UTF-8: IoT Core accepts 256 in a topic."""
_RESERVED = "$*"


def check_topic_prefix(prefix: str) -> str:
    """Returns a valid prefix, or an empty one for none. Raises ValueError."""
    levels = prefix.split("/")
    if prefix and not (is_safe(*levels) and "{" not in prefix and "}" not in prefix):
        raise ValueError("expected plain levels such as dev or shop/dev: no / at an end, none of + # * ? $ { }")
    if len(levels) > _MOST_LEVELS or len(prefix.encode()) > _LONGEST:
        raise ValueError(f"expected at most {_MOST_LEVELS} levels and {_LONGEST} bytes: IoT Core limits whole topics")
    return prefix


def below(prefix: str, levels: Levels) -> Levels:
    """The levels of a topic filter below a prefix."""
    start = lead(levels)
    if not prefix or levels[start].startswith("$"):
        return levels
    return (*levels[:start], *prefix.split("/"), *levels[start:])


def reserved_too(levels: Levels) -> Levels | None:
    """The reserved topics that a filter covers as a deny, as levels of a pattern; None if it covers none."""
    start = lead(levels)
    return (*levels[:start], _RESERVED, *levels[start + 1 :]) if levels[start] in (PLUS, HASH) else None
