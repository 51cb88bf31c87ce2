"""The clients for which a template and an ACL file are compared: all that they can tell apart.

1. Each user; a user without rules of its own; and a client without a user name, if such clients can connect.
2. A user without rules can have any name. One that is equal to no level of a rule represents all others, since a rule
   compares a name only with levels. Names that make a level of a pattern equal to a level of a rule are compared, too,
   and a longest one, whose policy is the largest.
3. The same holds for client IDs, if the template allows any.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from iot_authorizer_cli.commands.convert.acl_file import AclFile, AclRule
from iot_authorizer_cli.commands.convert.acl_meaning import AclClient
from iot_authorizer_cli.commands.convert.conversion import ANONYMOUS, CLAIM, NO_RULES, AllowedClientIds
from iot_authorizer_cli.commands.convert.differences import ComparedClient
from iot_policies import Principal
from iot_policies.placeholders import LONGEST_VALUE, is_safe

_USER, _CLIENT = "\0", "\1"
"""What %u and %c become in levels of patterns: no ACL file has these characters."""
_ANY_CLIENT = "any-client"
_LONGEST = "x" * LONGEST_VALUE
"""The longest name, if all its characters are ASCII."""


class NamedClient(NamedTuple):
    """A client, and how a message names it."""

    name: str
    client: ComparedClient


def clients(
    acl: AclFile, claims: Mapping[str, Mapping[str, object]], client_ids: AllowedClientIds, *, anonymous: bool
) -> Iterator[NamedClient]:
    """All clients to compare. `claims` has the claims of each user; `anonymous` is as for `convert`."""
    for label, user, its in _users(acl, claims, client_ids):
        for client_id in _client_ids(acl, user, client_ids):
            rules = AclClient.of(acl, user, client_id)
            yield NamedClient(label, ComparedClient(rules, Principal(user, its), client_id))
    if anonymous:
        principal = Principal(ANONYMOUS, {ANONYMOUS: True})
        for client_id in _client_ids(acl, None, client_ids):
            client = ComparedClient(AclClient.of(acl, None, client_id), principal, client_id)
            yield NamedClient("a client without a user name", client)


def _users(
    acl: AclFile, claims: Mapping[str, Mapping[str, object]], client_ids: AllowedClientIds
) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """How a message names each user, its name and its claims."""
    for user, its in claims.items():
        yield f"user {user}", user, its
    levels = _pattern_levels(acl)
    filled = [level.replace(_CLIENT, _USER if client_ids is AllowedClientIds.NAME else _ANY_CLIENT) for level in levels]
    met = _meeting([*filled, *levels], filled, _USER)
    for user in dict.fromkeys((_fresh("any", [*claims, *met]), *met)):
        if user not in claims:
            yield "a user without rules", user, {CLAIM: NO_RULES}
    if _LONGEST not in claims:
        yield f"a user without rules, with a name of {LONGEST_VALUE} characters", _LONGEST, {CLAIM: NO_RULES}


def _client_ids(acl: AclFile, user: str | None, client_ids: AllowedClientIds) -> Iterable[str]:
    own = f"{ANONYMOUS}/any" if user is None else user
    if client_ids is AllowedClientIds.NAME:
        return [own]
    patterns = [level.replace(_USER, own) for level in _pattern_levels(acl)]
    if not any(_CLIENT in level for level in patterns):
        return [_ANY_CLIENT]
    met = _meeting(patterns, [*patterns, *_levels(acl.rules_of(user))], _CLIENT)
    return dict.fromkeys([*([] if user is None else [user]), _fresh(_ANY_CLIENT, [own, *met]), *met, _LONGEST])


def _pattern_levels(acl: AclFile) -> Sequence[str]:
    return [level.replace("%u", _USER).replace("%c", _CLIENT) for level in _levels(acl.patterns)]


def _levels(rules: Iterable[AclRule]) -> Iterable[str]:
    return dict.fromkeys(level for rule in rules for level in rule.topic_filter.split("/"))


def _meeting(patterns: Iterable[str], levels: Iterable[str], placeholder: str) -> list[str]:
    """The values of a placeholder for which a level of a pattern equals another level."""
    literals = sorted(level for level in levels if _USER not in level and _CLIENT not in level)
    found: dict[str, None] = {}
    for pattern in patterns:
        if placeholder in pattern:
            found |= dict.fromkeys(value for literal in literals for value in _values(pattern, literal, placeholder))
    return [value for value in found if is_safe(value)]


def _values(pattern: str, literal: str, placeholder: str) -> Iterator[str]:
    """What can fill a placeholder so that a level of a pattern equals a text. The other one may have any value."""
    other = _CLIENT if placeholder == _USER else _USER
    others = pattern.replace(placeholder, "").split(other)
    if len(others) == 1:
        start, size = pattern.index(placeholder), len(literal) - len(others[0])
        candidates = [literal[start : start + size // pattern.count(placeholder)]]
    else:
        candidates = [literal[start:end] for end in range(len(literal) + 1) for start in range(end)]
    for value in candidates:
        parts = pattern.replace(placeholder, value).split(other)
        if parts == [literal] or (len(parts) > 1 and re.fullmatch(".+".join(map(re.escape, parts)), literal)):
            yield value


def _fresh(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "-other"
    return name
