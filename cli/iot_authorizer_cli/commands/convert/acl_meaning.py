"""What an ACL file of mosquitto allows one client, as patterns of the proofs' automata.

1. A topic is denied if a deny of the client's `topic` rules matches it, allowed if another one of them does, else
   denied if a deny of the patterns matches, and allowed if another one of these does. So the order of lines counts for
   nothing, and a `topic` wins over a deny among the patterns.
2. A filter matches as MQTT says: `x/#` matches `x`, too, and only a filter that begins with `$` matches topics that do.
3. A pattern with `%u` is skipped for a client without a user name. Patterns allow nothing to a client that has `+` or
   `#` in its client ID. That is not modelled: every user may choose another client ID.
4. No client publishes to `$SYS…`, except the state of bridges, and none publishes to or receives from `$share…`.
5. SUBSCRIBE is always accepted. What a subscription delivers is decided for each message, by the access read.

Source: `mosquitto_acl_check_default` in src/security_default.c, `acl__check_dollar` in src/security.c and
`mosquitto_topic_matches_sub` in lib/util_topic.c, alike in mosquitto 2.0.11 (Debian 12) and 2.0.21 (Debian 13).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from iot_authorizer_cli.commands.convert.acl_file import AclFile, AclRule, Use, parent_of
from iot_policies.proofs.automata import Automaton, Groups, Word
from iot_policies.proofs.patterns import Pattern, Piece, filter_pattern, levels_of

USES: tuple[Use, ...] = ("read", "write")
_PLACEHOLDER = re.compile("%[uc]")
_SHARE = (Piece(("$share",), open_end=True, loops=True),)
_SYS = (Piece(("$SYS",), open_end=True, loops=True),)
_BRIDGES = "$SYS/broker/connection/+/state"


def matching(topic_filter: str) -> Iterator[Pattern]:
    """The patterns of a filter of mosquitto."""
    yield filter_pattern(levels_of(topic_filter))
    if parent := parent_of(topic_filter):
        yield filter_pattern(levels_of(parent))


class AclClient(NamedTuple):
    """The rules of an ACL file for one client."""

    topics: tuple[AclRule, ...]
    patterns: tuple[AclRule, ...]
    """With the client's user name and client ID in their filters."""

    @classmethod
    def of(cls, acl: AclFile, user: str | None, client_id: str) -> "AclClient":
        """The rules for a client with this user name and client ID."""
        values = {"%u": user or "", "%c": client_id}
        filled = tuple(
            rule._replace(topic_filter=_PLACEHOLDER.sub(lambda match: values[match[0]], rule.topic_filter))
            for rule in acl.patterns
            if user is not None or "%u" not in rule.topic_filter
        )
        return cls(tuple(acl.rules_of(user)), filled)

    def groups(self) -> Mapping[str, set[Pattern]]:
        """The patterns of all rules, in groups that `permits` knows."""
        found: dict[str, set[Pattern]] = {"share": {_SHARE}, "sys": {_SYS}, "bridges": {*matching(_BRIDGES)}}
        for kind, rules in (("topic", self.topics), ("pattern", self.patterns)):
            found[f"{kind} deny"] = _patterns(rule for rule in rules if rule.access == "deny")
            for use in USES:
                found[f"{kind} {use}"] = _patterns(rule for rule in rules if rule.covers(use))
        return found

    def deciding(self, word: Word, use: Use) -> AclRule | None:
        """The rule that decides about a topic; None if no rule matches it."""
        for rules in (self.topics, self.patterns):
            for rule in sorted(rules, key=lambda each: each.access != "deny"):
                if (rule.access == "deny" or rule.covers(use)) and _matches(rule, word):
                    return rule
        return None


def permits(found: Groups, use: Use) -> bool:
    """Whether mosquitto lets a client use a topic that these groups match."""
    if "share" in found or (use == "write" and "sys" in found and "bridges" not in found):
        return False
    if "topic deny" in found or f"topic {use}" in found:
        return "topic deny" not in found
    return f"pattern {use}" in found and "pattern deny" not in found


def _patterns(rules: Iterable[AclRule]) -> set[Pattern]:
    return {pattern for rule in rules for pattern in matching(rule.topic_filter)}


def _matches(rule: AclRule, word: Word) -> bool:
    return bool(Automaton({"it": matching(rule.topic_filter)}).groups_of(word))
