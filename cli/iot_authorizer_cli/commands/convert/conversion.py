"""Makes a template, and the claims of users, from an ACL file of mosquitto.

1. A rule becomes entries: write becomes `retain`, read becomes `subscribe`, a deny becomes both in a `[[deny]]`. `x/#`
   becomes `x/#` and `x`, since IoT Core's `x/#` does not match `x`; for the same reason, `x/+/#` becomes `x/#`. `%u`
   becomes `{principal}`.
2. Every user has the claim `acl`. A user's own name as a level of its rules becomes `{principal}`. Users whose rules
   are then the same have one role: `acl` is the name of the first of them, and a grant is for that value. Users without
   rules of their own have the role NO_RULES, and only what patterns allow.
3. Rules that differ in one level only become one entry with `{claims.NAME}` (`shared_levels.py`). Otherwise the
   template would grow with the number of users.
4. What IoT Core or a template cannot have is left out, with the reason. A deny is never left out: a level that a
   template cannot have becomes `+`, which denies more.
5. If a denial that the compiler adds for one entry would reach another entry, the former is left out, so that the
   template loads.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from iot_authorizer_cli.commands.convert.acl_file import AclFile, AclRule, parent_of
from iot_authorizer_cli.commands.convert.shared_levels import Line, SharedLine, shared_lines
from iot_authorizer_cli.commands.convert.template_blocks import (
    Block,
    Kind,
    in_order,
    leave_out_conflicts,
    problem_of,
)
from iot_policies.grants import Key
from iot_policies.principal import WORD_LISTS
from iot_policies.when import Condition, folded

CLAIM = "acl"
ANONYMOUS = "anonymous"
"""The principal of clients without a user name, and the claim that it has."""
MOST_ENTRIES = 2000
"""An authorizer that starts loads a template of this size in half a second."""
NO_RULES = "no rules"
"""The role of users without rules of their own."""
_ANY_CLIENT_ID: dict[Key, dict[str, int]] = {"connect": {"{client_id}": 0}}
_ANY_IS_MEANT = {"acknowledge": ["any_client_id"]}
_NOT_IN_TEMPLATES = re.compile(r"[*?{}\x80-\x9f]")


Lines = Mapping[Line, int]
"""Entries, with the lines of the file that they come from."""


class AllowedClientIds(StrEnum):
    """The client IDs that a template allows."""

    NAME = "name"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What an ACL file became."""

    blocks: Sequence[Block]
    claims: Mapping[str, Mapping[str, object]]
    """The claims of each user."""
    left_out: Mapping[int, str]
    """Why a rule, by its line, has no entry, or not all of them."""


class TooManyRules(ValueError):
    """An ACL file whose template would load too slowly."""


def convert(acl: AclFile, users: Iterable[str], client_ids: AllowedClientIds, *, anonymous: bool) -> Conversion:
    """Converts an ACL file for some users, which have names that a template can have. Raises TooManyRules.

    `anonymous`: whether clients without a user name can connect.
    """
    converter = _Converter(client_ids)
    own = {user: converter.lines(acl.rules_of(user), user) for user in users}
    shared = shared_lines(own, (CLAIM, ANONYMOUS, *WORD_LISTS))
    roles = _roles(own, shared)
    blocks = [
        _connect(acl, client_ids),
        *_blocks("patterns", {CLAIM: "*"}, converter.lines(acl.patterns, None)),
        *_of_roles(own, shared, roles),
        *_of_shared(own, shared),
        *(_for_anonymous(acl, converter) if anonymous else ()),
    ]
    _check_size(blocks, acl)
    for number, problem in leave_out_conflicts(blocks):
        converter.left_out.setdefault(number, problem)
    return Conversion(in_order(blocks), _claims(own, shared, roles), converter.left_out)


def _roles(own: Mapping[str, Lines], shared: Mapping[Line, SharedLine]) -> Mapping[str, Sequence[str]]:
    """The users with the same entries of their own, by role. A deny takes some different names for equal."""
    members: dict[frozenset[Line], list[str]] = defaultdict(list)
    for user, lines in own.items():
        members[frozenset(line for line in lines if line not in shared)].append(user)
    taken = {NO_RULES}
    roles = {NO_RULES: members.pop(frozenset(), [])}
    for users in members.values():
        role = next(each for each in _numbered(users[0]) if folded(each) not in taken)
        taken.add(folded(role))
        roles[role] = users
    return roles


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def _claims(
    own: Mapping[str, Lines], shared: Mapping[Line, SharedLine], roles: Mapping[str, Sequence[str]]
) -> Mapping[str, Mapping[str, object]]:
    role_of = {user: role for role, users in roles.items() for user in users}
    claims: dict[str, dict[str, object]] = {}
    for user, lines in own.items():
        values: dict[str, dict[str, None]] = defaultdict(dict)
        for line in lines:
            if line in shared:
                values[shared[line].claim][shared[line].value] = None
        claims[user] = {CLAIM: role_of[user], **{claim: [*found] for claim, found in values.items()}}
    return claims


def _of_roles(
    own: Mapping[str, Lines], shared: Mapping[Line, SharedLine], roles: Mapping[str, Sequence[str]]
) -> Iterator[Block]:
    for role, users in roles.items():
        if users:
            lines = {line: number for line, number in own[users[0]].items() if line not in shared}
            yield from _blocks(role, {CLAIM: role}, lines, _comment(users))


def _of_shared(own: Mapping[str, Lines], shared: Mapping[Line, SharedLine]) -> Iterator[Block]:
    of_claim: dict[str, dict[Line, int]] = defaultdict(dict)
    for lines in own.values():
        for line, number in lines.items():
            if line in shared:
                of_claim[shared[line].claim].setdefault(shared[line].line, number)
    for claim, found in of_claim.items():
        yield from _blocks(claim, {claim: "*"}, found)


class _Converter:
    """Turns rules into entries."""

    def __init__(self, client_ids: AllowedClientIds) -> None:
        self.left_out: dict[int, str] = {}
        self.client_ids = client_ids
        self._client_id = "{client_id}" if client_ids is AllowedClientIds.ANY else "{principal}"

    def lines(self, found: Iterable[AclRule], user: str | None) -> dict[Line, int]:
        """The entries of some rules, with the lines of the rules."""
        lines: dict[Line, int] = {}
        for rule in found:
            for line in self._of_rule(rule, user):
                problem = problem_of(line.key, line.text) if line.kind == "grant" else None
                if problem is None:
                    lines.setdefault(line, rule.line)
                else:
                    self.left_out.setdefault(rule.line, problem)
        return lines

    def _of_rule(self, rule: AclRule, user: str | None) -> Iterator[Line]:
        levels = rule.topic_filter.split("/")
        if levels[0].startswith("$"):
            self.left_out.setdefault(rule.line, "IoT Core reserves topics that start with $")
            return
        if rule.access != "deny" and _NOT_IN_TEMPLATES.search(rule.topic_filter):
            self.left_out.setdefault(rule.line, "a topic of a template has none of * ? { }")
            return
        whole = "/".join(self._level(rule, level, user) for level in levels)
        for text in _entries_of(whole):
            if rule.access == "deny":
                yield from (Line("deny", "publish", text), Line("deny", "subscribe", text))
            if rule.covers("write"):
                yield Line("grant", "retain", text)
            if rule.covers("read"):
                yield Line("grant", "subscribe", text)

    def _level(self, rule: AclRule, level: str, user: str | None) -> str:
        if _NOT_IN_TEMPLATES.search(level):
            return "+"
        if rule.keyword == "topic":
            return "{principal}" if level == user else level
        return level.replace("%u", "{principal}").replace("%c", self._client_id)


def _entries_of(topic_filter: str) -> Iterator[str]:
    """The filters of IoT Core that together match what one of mosquitto does."""
    start = topic_filter.removesuffix("+/#")  # In mosquitto, `x/#` without `x`.
    if start != topic_filter:
        yield f"{start}#"
        return
    yield topic_filter
    if parent := parent_of(topic_filter):
        yield parent


def _connect(acl: AclFile, client_ids: AllowedClientIds) -> Block:
    if client_ids is AllowedClientIds.ANY:
        return Block("grant", "connect", {CLAIM: "*"}, _ANY_CLIENT_ID, {**_ANY_IS_MEANT, "connect_with": ["LastWill"]})
    uses_client_ids = any("%c" in rule.topic_filter for rule in acl.patterns)
    texts = ["{principal}"] if uses_client_ids else ["{principal}", "{principal}/*"]
    return Block("grant", "connect", {CLAIM: "*"}, {"connect": dict.fromkeys(texts, 0)})


def _for_anonymous(acl: AclFile, converter: _Converter) -> Iterator[Block]:
    """The blocks for clients without a user name."""
    is_any = converter.client_ids is AllowedClientIds.ANY
    patterns: list[AclRule] = []
    for rule in acl.patterns:
        if "%u" in rule.topic_filter:
            continue
        if is_any or "%c" not in rule.topic_filter:
            patterns.append(rule)
        elif rule.access == "deny":
            levels = ("+" if "%c" in level else level for level in rule.topic_filter.split("/"))
            patterns.append(rule._replace(topic_filter="/".join(levels)))
        else:
            converter.left_out.setdefault(rule.line, f"client IDs begin with {ANONYMOUS}/ here, without a user name")
    lines = converter.lines([*acl.rules_of(None), *patterns], None)
    connect: dict[Key, dict[str, int]] = _ANY_CLIENT_ID if is_any else {"connect": {"{principal}/*": 0}}
    settings = {**(_ANY_IS_MEANT if is_any else {}), "connect_with": ["LastWill"]}
    entries = {**connect, **_entries("grant", lines)}
    yield Block("grant", ANONYMOUS, {ANONYMOUS: True}, entries, settings, "clients without a user name")
    yield Block("deny", ANONYMOUS, {ANONYMOUS: True}, _entries("deny", lines))


def _blocks(name: str, when: Mapping[str, Condition], lines: Lines, comment: str = "") -> Iterator[Block]:
    """A grant and a deny, which may have no entries."""
    yield Block("grant", name, when, _entries("grant", lines), comment=comment)
    yield Block("deny", name, when, _entries("deny", lines), comment=comment)


def _entries(kind: Kind, lines: Lines) -> dict[Key, dict[str, int]]:
    entries: dict[Key, dict[str, int]] = {}
    for line, number in lines.items():
        if line.kind == kind:
            entries.setdefault(line.key, {})[line.text] = number
    return entries


def _comment(role: Sequence[str]) -> str:
    if len(role) == 1:
        return ""
    more = f" and {len(role) - 3:,} more" if len(role) > 3 else ""
    return f"users {', '.join(role[:3])}{more}"


def _check_size(blocks: Iterable[Block], acl: AclFile) -> None:
    entries = sum(len(texts) for block in blocks for texts in block.entries.values())
    if entries > MOST_ENTRIES:
        most = max(
            (user for user in acl.topics if user is not None), key=lambda user: len(acl.topics[user]), default=""
        )
        raise TooManyRules(
            f"the template would have {entries:,} entries, and loads too slowly with more than {MOST_ENTRIES:,}: write "
            "patterns with %u, or rules that have the same levels for many users "
            f"(user {most} has most rules: {len(acl.rules_of(most)):,})"
        )
