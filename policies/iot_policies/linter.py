"""Finds entries that are valid but probably mistakes."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from iot_policies.account_region import LONGEST_PLACE
from iot_policies.client_ids import anonymous_findings, client_id_findings
from iot_policies.compiler import compile_policy
from iot_policies.durations import duration_text
from iot_policies.entries import Entry
from iot_policies.errors import PolicyTooLarge
from iot_policies.findings import Finding, meant_or_warning, unused_words, warning
from iot_policies.grants import LEAST_SESSION, Deny, Grant, Key
from iot_policies.names import is_misspelled
from iot_policies.overlap import could_be_equal
from iot_policies.placeholders import PLACEHOLDER, claim_names, placeholder_names, split_template
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, Levels, lead
from iot_policies.when import Condition, choices, conditions, spellings_of

MOST_LEVELS = 8
"""IoT Core accepts 7 slashes in a topic, not counting those of reserved prefixes."""
LONGEST_TOPIC = 256
"""Bytes of UTF-8."""
TYPICAL_VALUE = 16
"""Characters of the values that the capacity is computed with."""

_SIDE_BY_SIDE = re.compile(r"\{[^{}]*\}[^/]*\{[^{}]*\}")
_ALIKE = "a-b and c look like a and b-c there; put a / between them"
_EVERY_THING = re.compile(r"\$aws/(#|\+|things/(#|\+))")


def lint(template: PolicyTemplate, anonymous: Principal | None = None) -> list[Finding]:
    """All findings about entries, about pairs of entries and about the whole template.

    `anonymous` is the principal of clients without credentials, if the template's configuration has one.
    """
    findings = [finding for entry in template.entries for finding in _of_entry(entry)]
    findings += _of_pairs([entry for entry in template.entries if entry.effect == "Allow"])
    findings += client_id_findings(template)
    if anonymous is not None:
        findings += anonymous_findings(template, anonymous)
    findings += unused_words(template.blocks, findings)
    findings += _of_denies(template)
    findings += _of_claims(template)
    findings += _of_topic_prefix(template)
    findings += _of_https(template)
    if any(entry.effect == "Allow" for entry in template.entries):
        findings += (Finding("note", (), message) for message in _capacity(template))
    return findings


def _of_entry(entry: Entry) -> Iterator[Finding]:
    written, levels = split_template(entry.text), split_template(entry.filter)
    if _SIDE_BY_SIDE.search(entry.text):
        yield warning(entry, f"has two placeholders in one level: {_ALIKE}")
    if entry.key == "connect":
        return
    if entry.effect == "Deny":
        yield from _of_denial(entry, levels)
        return
    if written[lead(written)] in (PLUS, HASH):
        yield meant_or_warning(entry, "leading_wildcard", _leading_wildcard(entry))
    if _EVERY_THING.match(entry.text):
        yield warning(entry, "covers every thing of the account: write {principal} instead of the thing's name")
    elif levels[0].startswith("$") and levels[0] not in ("$aws", "$share"):
        yield warning(entry, "starts with $, which IoT Core reserves: no client can publish there")
    levels = levels[lead(levels) :]
    if len(levels) > MOST_LEVELS and levels[0] != "$aws":
        yield warning(entry, "has more than 7 slashes: IoT Core refuses such topics")
    if len(PLACEHOLDER.sub("", entry.filter).encode()) > LONGEST_TOPIC:
        yield warning(entry, "is longer than 256 bytes: IoT Core refuses such topics")


def _leading_wildcard(entry: Entry) -> str:
    having = f" with {conditions(entry.block.when)}" if entry.block.when else ""
    return f"begins with a wildcard: every principal{having} may {_USES[entry.key]}, whatever the first level is"


_USES: dict[Key, str] = {
    "publish": "publish to it",
    "retain": "publish to it, also with RETAIN",
    "subscribe": "subscribe to it",
}


def _of_denies(template: PolicyTemplate) -> Iterator[Finding]:
    """What whole denies say: what has no effect, and the spellings that they cover."""
    for index, block in enumerate(block for block in template.blocks if isinstance(block, Deny)):
        location = ("deny", index)
        yield from (Finding("note", (*location, "when"), _covered(*each)) for each in (block.when or {}).items())
        if not any(block.entries()):
            yield Finding("warning", location, 'denies nothing: name what it denies, such as publish = ["#"]')
        elif block.connect_with is not None and not block.connect:
            message = 'denies nothing: name the client IDs in connect, or all of them with "*"'
            yield Finding("warning", (*location, "connect_with"), message)


def _covered(name: str, wanted: Condition) -> str:
    spellings = "; ".join(map(spellings_of, choices(wanted)))
    return f"{name} covers {spellings}; a claim that is an object refuses the connection"


def _of_denial(entry: Entry, levels: Levels) -> Iterator[Finding]:
    for name in claim_names(entry.text)[:1]:
        yield Finding("note", entry.location, f'"{entry.text}" denies nothing if claims.{name} is missing')
    if "client_id" in placeholder_names(entry.text):
        message = "is denied for every client ID if the client has none, as over HTTPS"
        yield Finding("note", entry.location, f'"{entry.text}" {message}')
    if PLUS in levels:
        message = f'"{entry.text}" also denies deeper levels: an IoT policy cannot deny only a single level'
        yield Finding("warning", entry.location, message)


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
                message = f'"{literal.text}" is also what {placeholder} becomes for the value "{name}"'
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


def _of_https(template: PolicyTemplate) -> Iterator[Finding]:
    """What caching for HTTP (`enableCachingForHttp`) means for this template: no setting of an authorizer is known."""
    if any(entry.key == "publish" and entry.effect == "Allow" for entry in template.entries):
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
            message = f'"{entry.text}" has no topic_prefix: reserved topics belong to the whole account'
            yield Finding("note", entry.location, message)


def _capacity(template: PolicyTemplate) -> Iterator[str]:
    blocks = [block.model_copy(update={"when": None}) for block in template.blocks]
    everything = PolicyTemplate.of(blocks, topic_prefix=template.topic_prefix)
    claims = list(dict.fromkeys(name for entry in template.entries for name in claim_names(entry.text)))
    for name in claims:
        count = _fitting(everything, name, claims)
        least = "" if count < _MOST else "at least "
        values = f"{least}{count} values of claims.{name}, each of {TYPICAL_VALUE} characters"
        yield f"in every region, a policy has room for {values}"
    for index, block in enumerate(template.blocks):
        if isinstance(block, Grant) and block.widen:
            yield f"grant[{index}] sets widen = true: it allows deeper levels too if a policy cannot express a +"


_MOST = 1024


def _fitting(everything: PolicyTemplate, name: str, claims: Sequence[str]) -> int:
    """How many values of one list claim fit if every other claim has one value and every grant applies."""
    others = dict.fromkeys(claims, "x" * TYPICAL_VALUE)
    least, most = 0, _MOST
    while least < most:
        count = (least + most + 1) // 2
        values = [str(number).rjust(TYPICAL_VALUE, "x") for number in range(count)]
        principal = Principal("x" * TYPICAL_VALUE, {**others, name: values})
        try:
            compile_policy(everything, principal, "x" * TYPICAL_VALUE).documents(LONGEST_PLACE)
            least = count
        except PolicyTooLarge:
            most = count - 1
    return least
