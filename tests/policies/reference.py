"""A reference for what policies mean, written in another way: it shares no code with `iot_policies`.

The matcher of topics is a regular expression, containment is a list of witnesses, and the wildcards of policies are
walked by hand, one character at a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

Document = Mapping[str, object]

FRESH = "\u2603"
"""A level that no test writes down: only a wildcard matches it."""

_SHARED = re.compile(r"\$share/([^/]+)/(.+)", re.DOTALL)


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter, without `$share`, matches a topic: MQTT 3.1.1, section 4.7, but `a/#` is not for `a`."""
    return _as_pattern(topic_filter).fullmatch(topic) is not None


@cache
def _as_pattern(topic_filter: str) -> re.Pattern[str]:
    levels = [{"+": "[^/]*", "#": ".*"}.get(level) or re.escape(level) for level in topic_filter.split("/")]
    guard = r"(?!\$)" if topic_filter.startswith(("+", "#")) else ""
    return re.compile(guard + "/".join(levels), re.DOTALL)


def unshared(topic_filter: str) -> tuple[str | None, str]:
    """A filter's share name, if it has one, and the filter without it."""
    found = _SHARED.fullmatch(topic_filter)
    return (found[1], found[2]) if found else (None, topic_filter)


def filter_within(outer: str, inner: str) -> bool:
    """Whether `outer` matches all that `inner` matches, and is shared by the same name if it is shared.

    It is enough to ask for levels that `outer` can't name, in each number that a `#` may stand for.
    """
    outer_name, outer = unshared(outer)
    inner_name, inner = unshared(inner)
    return outer_name == inner_name and all(
        topic_matches(outer, witness) for witness in _witnesses(inner, depth=outer.count("/") + 2)
    )


def _witnesses(topic_filter: str, depth: int) -> Iterator[str]:
    text = "/".join(FRESH if level == "+" else level for level in topic_filter.split("/"))
    if text.endswith("#"):
        for levels in range(1, depth + 1):
            yield text[:-1] + "/".join([FRESH] * levels)
    else:
        yield text


ANY, ONE = object(), object()
_TOKEN = re.compile(r"\$\{([^{}]*)\}|(.)", re.DOTALL)
_SPELLED = {"*": "*", "?": "?", "$": "$"}

Tokens = tuple[object, ...]


@cache
def tokens(pattern: str) -> Tokens:
    """A policy's pattern, character by character; wildcards are tokens of their own."""
    return tuple({"*": ANY, "?": ONE}.get(character, character) for character in pattern)


def tokens_with_variables(pattern: str, variables: Mapping[str, str]) -> Tokens | None:
    """As `tokens`, with policy variables filled, character by character; None where one has no value."""
    found: list[object] = []
    for match in _TOKEN.finditer(pattern):
        if match[1] is None:
            found.extend(tokens(match[2]))
            continue
        value = _SPELLED.get(match[1], variables.get(match[1]))
        if value is None:
            return None
        found.extend(value)
    return tuple(found)


def tokens_match(pattern: Tokens, text: str) -> bool:
    """Whether a pattern matches a whole text: on a mismatch the last `*` takes one character more."""
    at, place, star, mark = 0, 0, -1, 0
    while place < len(text):
        token = pattern[at] if at < len(pattern) else None
        if token is ANY:
            star, mark, at = at, place, at + 1
        elif token is ONE or token == text[place]:
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(token is ANY for token in pattern[at:])


def wildcard_matches(pattern: str, text: str) -> bool:
    """Whether a pattern without variables matches a whole text."""
    return tokens_match(tokens(pattern), text)


def decide(
    documents: Iterable[Document], action: str, resource: str, variables: Mapping[str, str] | None = None
) -> bool:
    """Whether a policy without conditions allows an action: some Allow covers it, and no Deny does."""
    effects = {
        statement["Effect"]
        for statement in statements(documents)
        if _covers(statement, action, resource, variables or {})
    }
    return effects == {"Allow"}


def statements(documents: Iterable[Document]) -> Iterator[Mapping[str, object]]:
    """All statements of some documents."""
    for document in documents:
        yield from strings_or_tables(document["Statement"])


def strings_or_tables(value: object) -> list[Mapping[str, object]]:
    """A list of JSON objects, which policies may write without the list where it is but one."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Mapping)]


def _covers(statement: Mapping[str, object], action: str, resource: str, variables: Mapping[str, str]) -> bool:
    return _covers_action(statement, action) and _covers_resource(statement, resource, variables)


def _covers_action(statement: Mapping[str, object], action: str) -> bool:
    listed = any(
        wildcard_matches(text.lower(), action.lower())
        for text in texts(statement.get("Action", statement.get("NotAction")))
    )
    return listed == ("Action" in statement)


def _covers_resource(statement: Mapping[str, object], resource: str, variables: Mapping[str, str]) -> bool:
    patterns = [
        tokens_with_variables(text, variables)
        for text in texts(statement.get("Resource", statement.get("NotResource")))
    ]
    listed = any(pattern is not None and tokens_match(pattern, resource) for pattern in patterns)
    if "Resource" in statement:
        return listed
    # A variable without a value must not widen: it may make a denial larger, but never an Allow.
    return not listed and (None not in patterns or statement["Effect"] == "Deny")


def texts(value: object) -> Sequence[str]:
    """A list of texts, which policies may write without the list where it is but one."""
    return [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, list) else []
