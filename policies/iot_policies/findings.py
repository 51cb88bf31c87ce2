"""A finding of the linter, and how a grant acknowledges one.

- A warning is a probable mistake; a template with one is valid, but is not deployed.
- Some findings are sometimes meant. Such a finding has a word. A grant that has the word in `acknowledge` gets a note
  with the same consequence instead of the warning.
- A word without a finding is a warning, too: it would hide a later mistake.
- AWS IoT Device Defender audits the policies that are stored in an account, not those that an authorizer answers.
  unmeasured: whether Device Defender audits those too (its guide names only stored ones).
- A finding that its audit makes of such a policy has Device Defender's reason code, and names an example.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from iot_policies.entries import Entry, quoted
from iot_policies.grants import Acknowledgement, Deny, Grant
from iot_policies.placeholders import PLACEHOLDER
from iot_policies.topics import HASH, PLUS, Levels, lead

Location = tuple[str | int, ...]


class AuditCode(StrEnum):
    """Reason codes of Device Defender's checks (developer guide of Device Defender, "Audit checks")."""

    BROAD_ACCESS = "ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS"
    WILDCARDS_IN_DENY = "POLICY_CONTAINS_MQTT_WILDCARDS_IN_DENY_STATEMENT"
    DUPLICATE_CLIENT_ID = "DUPLICATE_CLIENT_ID_ACROSS_CONNECTIONS"


@dataclass(frozen=True, slots=True)
class Finding:
    """A warning about a probable mistake, or a note."""

    severity: Literal["warning", "note"]
    location: Location
    """Its place: `("grant", 0, "publish", 1)`; empty for the whole template."""
    message: str
    word: Acknowledgement | None = None
    """The word that acknowledges it; None if nothing does."""
    audit: AuditCode | None = None
    """The reason code with which Device Defender reports the same in a stored policy; None if it has no such check."""


def warning(entry: Entry, message: str, audit: AuditCode | None = None) -> Finding:
    """A warning about an entry, which is quoted in front of the message."""
    return Finding("warning", entry.location, f"{quoted(entry.text)} {message}", audit=audit)


def meant_or_warning(
    entry: Entry, word: Acknowledgement, message: str, audit: AuditCode | None = None, instead: str = ""
) -> Finding:
    """A note if the entry's grant acknowledges the word, else a warning that says how to.

    `instead` is what else the author can write.
    """
    text = f"{quoted(entry.text)} {message}"
    if isinstance(entry.block, Grant) and word in entry.block.acknowledge:
        return Finding("note", entry.location, text, word, audit)
    advice = f'{instead}if that is meant, set acknowledge = ["{word}"] in {entry.block_name}'
    return Finding("warning", entry.location, f"{text}; {advice}", word, audit)


def example_topic(levels: Levels) -> str:
    """A topic that a filter matches: `any` for each wildcard, `x` for each placeholder."""
    topic = levels[lead(levels) :]
    return "/".join("any" if level in (PLUS, HASH) else PLACEHOLDER.sub("x", level) for level in topic)


def unused_words(blocks: Iterable[Grant | Deny], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Words that a grant acknowledges, although it has no such finding."""
    used = {(finding.location[:2], finding.word) for finding in findings}
    for index, block in enumerate(block for block in blocks if isinstance(block, Grant)):
        for word in block.acknowledge:
            if (("grant", index), word) not in used:
                message = f"no entry of this grant {_MEANING[word]}: remove {word}"
                yield Finding("warning", ("grant", index, "acknowledge"), message)


_MEANING: dict[Acknowledgement, str] = {
    "leading_wildcard": "begins with a wildcard",
    "any_client_id": 'is connect = ["{client_id}"]',
    "shared_client_ids": "allows client IDs that are not bound to the principal",
    "any_receiver": 'is send = [{ to = "*", … }]',
}
