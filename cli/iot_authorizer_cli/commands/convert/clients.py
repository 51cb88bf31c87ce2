"""The clients for which a template and an ACL file are compared: all that they can tell apart.

1. Each user; a user without rules of its own; and a client without a user name, if such clients can connect.
2. A user without rules can have any name. One that is in no rule represents all others, since a rule compares a name
   only with levels. Names that make a level of a pattern equal to a level of a rule are compared, too.
3. The same holds for client IDs, if the template allows any.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from iot_authorizer_cli.commands.convert.acl_file import AclFile
from iot_authorizer_cli.commands.convert.acl_meaning import AclClient
from iot_authorizer_cli.commands.convert.conversion import ANONYMOUS, CLAIM, NO_RULES, AllowedClientIds
from iot_authorizer_cli.commands.convert.differences import ComparedClient
from iot_policies import Principal
from iot_policies.placeholders import is_safe

_PLACEHOLDER = re.compile("(%[uc])")


class NamedClient(NamedTuple):
    """A client, and how a message names it."""

    name: str
    client: ComparedClient


def clients(
    acl: AclFile, claims: Mapping[str, Mapping[str, object]], client_ids: AllowedClientIds, *, anonymous: bool
) -> Iterator[NamedClient]:
    """All clients to compare. `claims` has the claims of each user; `anonymous` is as for `convert`."""
    patterns = [rule.topic_filter for rule in acl.patterns]
    others = [_fresh("any", claims), *(name for name in _meeting(patterns, patterns, "%u") if name not in claims)]
    for user, its in {**claims, **{name: {CLAIM: NO_RULES} for name in others}}.items():
        label = f"user {user}" if user in claims else "a user without rules"
        for client_id in _client_ids(acl, user, client_ids):
            rules = AclClient.of(acl, user, client_id)
            yield NamedClient(label, ComparedClient(rules, Principal(user, its), client_id))
    if anonymous:
        principal = Principal(ANONYMOUS, {ANONYMOUS: True})
        for client_id in _client_ids(acl, None, client_ids):
            client = ComparedClient(AclClient.of(acl, None, client_id), principal, client_id)
            yield NamedClient("a client without a user name", client)


def _client_ids(acl: AclFile, user: str | None, client_ids: AllowedClientIds) -> Iterable[str]:
    own = f"{ANONYMOUS}/any" if user is None else user
    patterns = [rule.topic_filter for rule in acl.patterns]
    if client_ids is AllowedClientIds.NAME:
        return [own]
    filters = [*(rule.topic_filter for rule in acl.rules_of(user)), *(each.replace("%u", own) for each in patterns)]
    met = _meeting(patterns, filters, "%c")
    return dict.fromkeys([*([] if user is None else [user]), _fresh("any-client", [own, *met]), *met])


def _meeting(patterns: Iterable[str], filters: Iterable[str], placeholder: str) -> list[str]:
    """The values of a placeholder for which a level of a pattern equals a level of a filter."""
    literals = {level for each in filters for level in each.split("/") if not _PLACEHOLDER.search(level)}
    found: dict[str, None] = {}
    for level in dict.fromkeys(level for each in patterns for level in each.split("/") if placeholder in level):
        parts = (".+" if _PLACEHOLDER.fullmatch(part) else re.escape(part) for part in _PLACEHOLDER.split(level))
        wanted = re.compile("".join(parts))
        start, _, end = level.partition(placeholder)
        for literal in sorted(literals):
            value = literal.removeprefix(start).removesuffix(end)
            if wanted.fullmatch(literal) and is_safe(value):
                found[value] = None
    return [*found]


def _fresh(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "-other"
    return name
