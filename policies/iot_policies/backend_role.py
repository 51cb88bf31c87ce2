"""Compiles topics into the IAM statement of a backend that publishes to them, for a role that may have others.

1. The statement is that of a grant with these topics (`compiler.py`): an Allow of iot:Publish, with RETAIN also of
   iot:RetainPublish, for `topic/TOPIC`. The topic prefix is in front.
2. It is never a Deny. For a `+`, the documents of a custom authorizer deny the deeper topics that the wildcard of a
   policy also matches. In the role of a backend, this would take away what its other statements allow. So a `+` is
   refused, unless the backend may publish to deeper topics too (`widen`).
3. A wildcard at the beginning is refused: it would also allow `$aws/…`, such as the shadows of all things.
4. So are a topic that IoT Core refuses, with the prefix, and a character that IAM does.
5. A backend has no principal and no claims, so that placeholders are refused. So are tokens of the CDK: their value
   could be a wildcard.
"""

from collections.abc import Sequence

from iot_policies.compiler import compile_policy
from iot_policies.entries import rules
from iot_policies.errors import InvalidTopics
from iot_policies.grants import Grant, Key
from iot_policies.iam_packing import is_writable
from iot_policies.linter import impossible
from iot_policies.packing import Statement
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import PLUS, split


def publish_statement(
    topics: Sequence[str], *, topic_prefix: str = "", widen: bool = False, retain: bool = False
) -> Statement:
    """The statement that allows publishing to some topic filters; with `retain`, with RETAIN too.

    Raises InvalidTopics, with advice, for what an Allow cannot say, and if there are no topics.
    """
    if not topics:
        raise InvalidTopics((), 'expected at least one topic, such as "rooms/lobby/topic"')
    key: Key = "retain" if retain else "publish"
    for topic in topics:
        _check(topic, key, topic_prefix, widen=widen)
    grant = Grant.model_validate({key: topics, "widen": widen})
    (statement,) = compile_policy(
        PolicyTemplate.of([grant], topic_prefix=topic_prefix), Principal("backend")
    ).statements
    return statement


def _check(topic: str, key: Key, topic_prefix: str, *, widen: bool) -> None:
    if problem := _problem(topic, key, topic_prefix, widen=widen):
        raise InvalidTopics((key,), f'"{topic}": {problem}')


def _problem(topic: str, key: Key, topic_prefix: str, *, widen: bool) -> str | None:
    """Why no Allow says exactly this; None if one does."""
    levels = split(topic)
    if "{" in topic or "}" in topic:
        return (
            "a backend has no principal and no claims, and no token may be in a topic: write the topic, or end with #"
        )
    if PLUS in levels and not widen:
        deeper = "/".join("a/b" if level == PLUS else level for level in levels)
        return (
            "a wildcard of IAM reaches across levels, and to deny the rest would limit the whole role: "
            f"name each topic, or set widen=True, which also allows deeper topics, such as {deeper}"
        )
    try:
        found = rules(topic, key, "Allow", widen=widen, topic_prefix=topic_prefix)
    except ValueError as error:
        return str(error)
    if any(rule.denied for rule in found):
        return "a wildcard at the beginning would also allow topics that begin with $: begin with a level of text"
    if not all(is_writable(rule.allowed) for rule in found):
        return "a character is above U+00FF, which IAM policies cannot hold"
    return next(impossible(found[0].levels), None)
