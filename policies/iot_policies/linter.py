"""Finds entries that are valid but probably mistakes."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from iot_policies.broad_access import broad_findings
from iot_policies.capacity import capacity_messages
from iot_policies.client_ids import anonymous_findings, client_id_findings
from iot_policies.denials import denial_findings
from iot_policies.durations import duration_text
from iot_policies.entries import Entry, quoted
from iot_policies.findings import Finding, unused_words, warning
from iot_policies.grants import Grant
from iot_policies.names import is_misspelled
from iot_policies.overlap import could_be_equal
from iot_policies.placeholders import PLACEHOLDER, claim_names, split_template
from iot_policies.principal import Principal
from iot_policies.session_times import LEAST_SESSION
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, TO, Levels, lead

MOST_LEVELS = 8
"""IoT Core accepts 7 slashes in a topic, not counting those of reserved prefixes."""
LONGEST_TOPIC = 256
"""Bytes of UTF-8."""

_SIDE_BY_SIDE = re.compile(rf"\{{[^{{}}]*\}}[^/{TO}]*\{{[^{{}}]*\}}")
_ALIKE = "a-b and c look like a and b-c there; put a / between them"


def lint(template: PolicyTemplate, anonymous: Principal | None = None) -> list[Finding]:
    """All findings about entries, about pairs of entries and about the whole template.

    `anonymous` is the principal of clients without credentials, if the template's configuration has one.
    """
    findings = [finding for entry in template.entries for finding in _of_entry(entry, template.topic_prefix)]
    findings += _of_pairs([entry for entry in template.entries if entry.effect == "Allow"])
    findings += client_id_findings(template)
    if anonymous is not None:
        findings += anonymous_findings(template, anonymous)
    findings += unused_words(template.blocks, findings)
    findings += denial_findings(template)
    findings += _of_claims(template)
    findings += _of_topic_prefix(template)
    findings += _of_https(template)
    if any(entry.effect == "Allow" for entry in template.entries):
        findings += (Finding("note", (), message) for message in capacity_messages(template))
        findings += _of_widen(template)
    return findings


def _of_entry(entry: Entry, topic_prefix: str) -> Iterator[Finding]:
    if _SIDE_BY_SIDE.search(entry.text):
        yield warning(entry, f"has two placeholders in one level: {_ALIKE}")
    if entry.key == "connect" or entry.effect == "Deny":
        return
    yield from broad_findings(entry, topic_prefix)
    levels = split_template(entry.filter)
    for problem in impossible(levels[lead(levels) :]):
        yield warning(entry, problem)


def impossible(levels: Levels) -> Iterator[str]:
    """Why IoT Core refuses all topics of a filter, whose placeholders count nothing."""
    if levels[0].startswith("$") and levels[0] != "$aws":
        yield "starts with $, which IoT Core reserves: no client can publish there"
    if len(levels) > MOST_LEVELS and levels[0] != "$aws":
        yield "has more than 7 slashes: IoT Core refuses such topics"
    if len(PLACEHOLDER.sub("", "/".join(levels)).encode()) > LONGEST_TOPIC:
        yield "is longer than 256 bytes: IoT Core refuses such topics"


def _of_pairs(entries: Sequence[Entry]) -> Iterator[Finding]:
    levels = [(entry, entry.key == "connect", _parts(entry)) for entry in entries]
    for (entry, connects, mine), (other, other_connects, others) in combinations(levels, 2):
        if connects != other_connects:
            continue
        for literal, placeholder, name in (
            (entry, other, _shared_name(mine, others)),
            (other, entry, _shared_name(others, mine)),
        ):
            if name is not None:
                message = f'{quoted(literal.text)} is also what {placeholder} becomes for the value "{name}"'
                yield Finding("warning", literal.location, f"{message}: give one of them a level of its own")


def _parts(entry: Entry) -> Levels:
    levels = split_template(entry.filter)
    if entry.key == "connect":
        return tuple(PLUS if level == "*" else level for level in levels)
    return levels[lead(levels) :]


def _shared_name(literal: Levels, other: Levels) -> str | None:
    """The literal level in the place of the other entry's placeholder, if both can match the same topic."""
    name: str | None = None
    for level, partner in zip(literal, other, strict=False):
        if HASH in (level, partner):
            return name
        if PLUS in (level, partner) or level == partner:
            continue
        if not could_be_equal(level, partner):
            return None
        if "{" not in level:
            name = level
    return name if len(literal) == len(other) else None


_OVER_HTTPS = ("publish", "read", "send")


def _of_https(template: PolicyTemplate) -> Iterator[Finding]:
    """What caching for HTTP (`enableCachingForHttp`) means for this template: no setting of an authorizer is known."""
    if any(entry.key in _OVER_HTTPS and entry.effect == "Allow" for entry in template.entries):
        kept = f"for up to {duration_text(template.session.refresh_after)} (refresh_after)"
        message = f"with caching_for_http, IoT Core keeps what an HTTPS client may do {kept}: a revocation takes effect"
        yield Finding("note", (), f"{message} after that, and the end of a token within {duration_text(LEAST_SESSION)}")


def _of_claims(template: PolicyTemplate) -> Iterator[Finding]:
    """Claims whose names differ by one typo, at the place of the second."""
    places: dict[str, tuple[str | int, ...]] = {}
    for entry in template.entries:
        for name in claim_names(entry.text):
            places.setdefault(name, entry.location)
        for name in entry.block.when or {}:
            places.setdefault(name, (*entry.block_location, "when"))
    for first, second in combinations(places, 2):
        # Names that differ only in their last character, such as group1 and group2, are not typos.
        if first[:-1] != second[:-1] and is_misspelled(first, second):
            message = f"the claims {first} and {second} differ by one typo: is one of them meant to be the other?"
            yield Finding("warning", places[second], message)


def _of_topic_prefix(template: PolicyTemplate) -> Iterator[Finding]:
    """Topics that stages of one account share although the template has a prefix."""
    for entry in template.entries if template.topic_prefix else ():
        if entry.effect == "Allow" and entry.key != "connect" and entry.filter == entry.text:
            message = f"{quoted(entry.text)} has no topic_prefix: reserved topics belong to the whole account"
            yield Finding("note", entry.location, message)


def _of_widen(template: PolicyTemplate) -> Iterator[Finding]:
    for index, block in enumerate(template.blocks):
        if isinstance(block, Grant) and block.widen:
            message = f"grant[{index}] sets widen = true: it allows deeper levels too if a policy cannot express a +"
            yield Finding("note", (), message)
