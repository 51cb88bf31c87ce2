"""Findings about grants that reach further than the principal's own topics.

Device Defender reports the same of stored policies (IOT_POLICY_OVERLY_PERMISSIVE_CHECK, with the reason code
ALLOWS_BROAD_ACCESS_TO_IOT_DATA_PLANE_ACTIONS): `client/*`, `topic/*` and `topic/$aws/things/*`. What is like
`client/*` is a finding about client IDs (`client_ids.py`).

- An entry that begins with a wildcard reaches topics of every name, only not those that start with `$`. `#` reaches all
  of them: everywhere. It is a warning, or a note if meant.
- An entry with a wildcard in the place of the thing's name reaches the shadows and jobs of every thing.
- Behind `$share/NAME/` the same rules hold for the filter that follows.
- With basic ingest, `$aws/rules/NAME/TOPIC`, the rule NAME gets any TOPIC, also outside its own filter. So a wildcard
  at the start of TOPIC is a warning too, or a note if meant; one as NAME reaches every rule.
"""

from collections.abc import Iterator

from iot_policies.entries import Entry
from iot_policies.findings import AuditCode, Finding, example_topic, meant_or_warning, warning
from iot_policies.grants import Key
from iot_policies.placeholders import split_template
from iot_policies.topics import HASH, PLUS, TO, Levels, lead
from iot_policies.when import conditions

_WILD = (PLUS, HASH)
_USES: dict[Key, tuple[str, str, str]] = {
    "publish": ("publish", "to", ""),
    "retain": ("publish", "to", ", also with RETAIN"),
    "subscribe": ("subscribe", "to", ""),
    "receive": ("receive direct messages", "on", ""),
    "read": ("read the retained message", "of", ""),
    "send": ("send direct messages", "on", ""),
}
"""What each key allows, the word in front of a topic, and what follows."""


def broad_findings(entry: Entry, topic_prefix: str) -> Iterator[Finding]:
    """What an entry of a grant that is about topics reaches beyond the topics of one principal."""
    levels = split_template(entry.text)
    if levels[:2] == (TO, "*"):
        message = (
            f"allows every principal{_having(entry)} to send direct messages to every client that may receive them"
        )
        yield meant_or_warning(entry, "any_receiver", message, AuditCode.BROAD_ACCESS, "name the receivers, or ")
    topic = levels[lead(levels) :]
    if topic[:2] == ("$aws", "rules") and entry.key in ("publish", "retain"):
        yield from _ingested(entry, topic[2:])
    if topic[0] in _WILD:
        yield meant_or_warning(entry, "leading_wildcard", _leading(entry, topic, topic_prefix), AuditCode.BROAD_ACCESS)
    example = _another_thing(topic)
    if example is not None:
        message = (
            f'covers every thing of the account, such as "{example}": write {{principal}} instead of the thing\'s name'
        )
        yield warning(entry, message, AuditCode.BROAD_ACCESS)


def _ingested(entry: Entry, levels: Levels) -> Iterator[Finding]:
    """What basic ingest with these levels reaches: the name of a rule, and those of a topic."""
    example = f'such as by "{example_topic(split_template(entry.filter))}"'
    if levels[:1] and levels[0] in _WILD:
        message = f"reaches every topic rule of the account, {example}: write the name of one"
        yield warning(entry, message, AuditCode.BROAD_ACCESS)
    elif levels[1:] and levels[1] in _WILD:
        message = f"lets every principal{_having(entry)} give rule {levels[0]} a message of any topic, {example}"
        yield meant_or_warning(entry, "leading_wildcard", message, AuditCode.BROAD_ACCESS)


def _leading(entry: Entry, topic: Levels, topic_prefix: str) -> str:
    having = _having(entry)
    verb, word, also = _USES[entry.key]
    example = f'such as {word} "{example_topic(split_template(entry.filter))}"'
    if topic == (HASH,):
        where = f"everywhere below {topic_prefix}/" if topic_prefix else "everywhere"
        return f"allows every principal{having} to {verb} {where}{also}, {example}"
    may = f"every principal{having} may {verb} {word} it{also}"
    return f"begins with a wildcard: {may}, whatever the first level is, {example}"


def _having(entry: Entry) -> str:
    return f" with {conditions(entry.block.when)}" if entry.block.when else ""


def _another_thing(topic: Levels) -> str | None:
    """A topic of any thing that a filter reaches; None if it does not reach all things."""
    if topic[0] != "$aws" or len(topic) == 1:
        return None
    if topic[1] == HASH or (topic[1] in (PLUS, "things") and topic[2:] == (HASH,)):
        return "$aws/things/any/shadow/update"
    if topic[1] in (PLUS, "things") and topic[2:3] == (PLUS,):
        return example_topic(("$aws", "things", *topic[2:]))
    return None
