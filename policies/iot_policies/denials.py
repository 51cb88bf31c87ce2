"""Findings about denies: what has no effect, what depends on a value, and what is denied beyond the filter.

- A deny always denies what its filter matches. The `*` of an IoT policy matches more than a wildcard of MQTT: it
  crosses levels, and it also matches `$`. So a `+` also denies deeper levels, which is a warning.
- A leading wildcard also denies topics that start with `$`, which MQTT's wildcards do not match, and so can deny a
  shared subscription, `$share/NAME/FILTER`, by its whole text. That matters if a grant allows one. It is a note, since
  `#` usually means to deny everything.
- Device Defender reports a `+` or `#` in a Deny of a stored policy, where they are plain characters
  (IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK, POLICY_CONTAINS_MQTT_WILDCARDS_IN_DENY_STATEMENT). A template cannot
  have that fault. Its findings about wildcards of a deny have the same reason code.
- Its other reason code, TOPIC_FILTERS_INTENDED_TO_DENY_ALLOWED_USING_WILDCARDS, cannot apply: it is about a Deny of
  iot:Subscribe without one of iot:Receive. A deny under `subscribe` always denies both.
"""

from collections.abc import Iterator
from itertools import islice, product

from iot_policies.entries import Entry, quoted
from iot_policies.findings import AuditCode, Finding, example_topic, warning
from iot_policies.globs import allowed_glob, is_exact
from iot_policies.grants import Deny
from iot_policies.overlap import common_topic
from iot_policies.placeholders import claim_names, placeholder_names, split_template
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, Levels, lead
from iot_policies.when import Condition, choices, spellings_of


def denial_findings(template: PolicyTemplate) -> Iterator[Finding]:
    """What the denies of a template, and their entries, do besides what their filters say."""
    for index, block in enumerate(block for block in template.blocks if isinstance(block, Deny)):
        location = ("deny", index)
        yield from (Finding("note", (*location, "when"), _covered(*each)) for each in (block.when or {}).items())
        if not any(block.entries()):
            yield Finding("warning", location, 'denies nothing: name what it denies, such as publish = ["#"]')
        elif block.connect_with is not None and not block.connect:
            message = 'denies nothing: name the client IDs in connect, or all of them with "*"'
            yield Finding("warning", (*location, "connect_with"), message)
    for entry in template.entries:
        if entry.effect == "Deny" and entry.key != "connect":
            yield from _of_values(entry)
            yield from _of_wildcards(entry, template)


def _covered(name: str, wanted: Condition) -> str:
    spellings = "; ".join(map(spellings_of, choices(wanted)))
    return f"{name} covers {spellings}; a claim that is an object refuses the connection"


def _of_values(entry: Entry) -> Iterator[Finding]:
    for name in claim_names(entry.text)[:1]:
        yield Finding("note", entry.location, f"{quoted(entry.text)} denies nothing if claims.{name} is missing")
    if "client_id" in placeholder_names(entry.text):
        message = "is denied for every client ID if the client has none, as over HTTPS"
        yield Finding("note", entry.location, f"{quoted(entry.text)} {message}")


def _of_wildcards(entry: Entry, template: PolicyTemplate) -> Iterator[Finding]:
    levels, written = split_template(entry.filter), split_template(entry.text)
    leads = written[lead(written)] in (PLUS, HASH)
    if _denies_deeper(levels):
        reserved = f', and what starts with $, such as "{_reserved(written)}"' if leads else ""
        message = f'also denies deeper levels, such as "{_deeper(levels)}"{reserved}'
        yield warning(entry, f"{message}: an IoT policy cannot deny only a single level", AuditCode.WILDCARDS_IN_DENY)
    elif leads:
        for example, name in islice(_granted_reserved(entry, template), 1):
            message = f'also denies what starts with $, such as "{example}", which {name} allows'
            yield Finding("note", entry.location, f"{quoted(entry.text)} {message}", audit=AuditCode.WILDCARDS_IN_DENY)


def _denies_deeper(levels: Levels) -> bool:
    """Whether the pattern of a deny matches topics with more levels than its filter."""
    return PLUS in levels and (HASH not in levels or not is_exact(levels))


def _deeper(levels: Levels) -> str:
    at = levels.index(PLUS)
    return example_topic((*levels[:at], PLUS, *levels[at:]))


def _reserved(levels: Levels) -> str:
    start = lead(levels)
    return example_topic(("$aws", *levels[start + 1 :]))


def _granted_reserved(entry: Entry, template: PolicyTemplate) -> Iterator[tuple[str, str]]:
    """What starts with `$`, is granted, and is reached by a deny: an example and the name of the grant."""
    for granted in template.entries:
        if granted.effect == "Allow" and granted.key != "connect":
            levels = split_template(granted.filter)
            start, example = lead(levels), example_topic(levels)
            reached = {
                one.action
                for one, other in product(entry.rules, granted.rules)
                if one.action == other.action and common_topic(allowed_glob(one.levels), other.levels) is not None
            }
            if reached and levels[start].startswith("$"):
                yield example, granted.block_name
            elif start and reached == {"iot:Subscribe"}:
                yield "/".join((*levels[:start], example)), granted.block_name
