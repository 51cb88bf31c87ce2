"""Reads an ACL file of mosquitto.

1. `topic ACCESS FILTER` is for the user of the last `user NAME` line, or before any for clients without a user name.
   `pattern ACCESS FILTER` is for every client, with `%u` for its user name and `%c` for its client ID. The access is
   read, write, readwrite or deny; without one it is readwrite.
2. Words are separated by spaces, and only by these. Spaces at both ends of a line count for nothing, nor do empty lines
   and those that begin with `#`. A name or a filter goes to the end of its line.
3. Mosquitto accepts some lines that surely mean something else: with a tab between words, or with an access and no
   filter. Those are wrong here, and the problem says what to write.

Source: `aclfile__parse` in src/security_default.c of mosquitto 2.0.11, the version of Debian 12. The one of 2.0.21, of
Debian 13, reads the same.
"""

import codecs
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from iot_authorizer_cli.bad_lines import BadLine

Keyword = Literal["topic", "pattern"]
Access = Literal["read", "write", "readwrite", "deny"]
Use = Literal["read", "write"]
_ACCESSES: tuple[str, ...] = get_args(Access)
_MOST_SLASHES = 200
_WHITESPACE = " \t\r\v\f"
"""What mosquitto removes at the end of a line: C's `isspace`."""


class AclRule(NamedTuple):
    """A `topic` or a `pattern`."""

    line: int
    keyword: Keyword
    access: Access
    topic_filter: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.keyword} {self.access} {self.topic_filter}"

    def covers(self, use: Use) -> bool:
        """Whether the rule allows this use of the topics that its filter matches."""
        return self.access in (use, "readwrite")


class AclFile(NamedTuple):
    """The rules of a file, in its order."""

    topics: Mapping[str | None, Sequence[AclRule]]
    """The `topic` rules of each user; those of None are for clients without a user name."""
    patterns: Sequence[AclRule]
    """The `pattern` rules."""

    def rules_of(self, user: str | None) -> Sequence[AclRule]:
        """The `topic` rules for a client. A user without a `user` line has none, not those of None."""
        return self.topics.get(user, ())


def read_acl(content: bytes) -> tuple[AclFile, list[BadLine]]:
    """The rules of an ACL file, and the wrong lines."""
    topics: dict[str | None, list[AclRule]] = {}
    patterns: list[AclRule] = []
    bad: list[BadLine] = []
    user: str | None = None
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            found = _parsed(number, line)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
            continue
        match found:
            case str():
                user = found
                topics.setdefault(user, [])
            case AclRule(keyword="topic"):
                topics.setdefault(user, []).append(found)
            case AclRule():
                patterns.append(found)
    return AclFile(topics, patterns), bad


def _parsed(number: int, content: bytes) -> AclRule | str | None:
    """A rule, a user's name, or None for a line without either. Raises ValueError."""
    try:
        line = content.decode().rstrip(_WHITESPACE)
    except UnicodeDecodeError:
        raise ValueError("not in UTF-8") from None
    if line.startswith("#") or not line:
        return None
    if (control := next((sign for sign in line if sign < " " or sign == "\x7f"), None)) is not None:
        name = "a tab" if control == "\t" else f"a control character (U+{ord(control):04X})"
        raise ValueError(f"found {name}: mosquitto separates words by spaces only")
    keyword, _, rest = line.lstrip(" ").partition(" ")
    rest = rest.lstrip(" ")
    if keyword == "user":
        return _named(rest)
    for known in get_args(Keyword):
        if keyword == known:
            access, topic_filter = _access(keyword, rest)
            _check_filter(topic_filter)
            return AclRule(number, known, access, topic_filter)
    raise ValueError(f'expected user, topic, pattern or a # in the first column, found "{keyword}"')


def _named(name: str) -> str:
    if not name:
        raise ValueError("expected a name behind user")
    return name


def _access(keyword: str, rest: str) -> tuple[Access, str]:
    """The access and the filter of a rule. Raises ValueError."""
    access, _, topic_filter = rest.partition(" ")
    topic_filter = topic_filter.lstrip(" ")
    if not topic_filter:
        if access in _ACCESSES:
            advice = f'for a topic with this name, write "{keyword} readwrite {access}"'
            raise ValueError(f'expected a topic filter behind "{keyword} {access}": {advice}')
        if not access:
            raise ValueError(f"expected a topic filter behind {keyword}")
        return "readwrite", access
    for known in get_args(Access):
        if access == known:
            return known, topic_filter
    advice = "a topic filter with spaces needs one of them in front"
    raise ValueError(f'expected read, write, readwrite or deny, found "{access}": {advice}')


def _check_filter(topic_filter: str) -> None:
    levels = topic_filter.split("/")
    if len(levels) > _MOST_SLASHES + 1:
        raise ValueError(f"expected at most {_MOST_SLASHES} slashes")
    for index, level in enumerate(levels):
        is_wildcard = level == "+" or (level == "#" and index == len(levels) - 1)
        if not is_wildcard and ("+" in level or "#" in level):
            raise ValueError(f'"{topic_filter}": + and # must be a whole level, and # the last one')


def parent_of(topic_filter: str) -> str:
    """The `x` of `x/#`, which matches it in MQTT, but not in IoT Core. Empty for every other filter, and for `/#`."""
    return topic_filter.removesuffix("/#") if topic_filter.endswith("/#") else ""
