"""Says what a principal can do: client IDs and topics, each with the entry that grants it and what is denied within it.

- A principal that gets no policy can do nothing.
- Each entry of a grant that applies is filled with the principal's values: one ability for each combination.
- A deny is compared as the pattern that it becomes, not as its filter: a `+` also reaches deeper levels, and a leading
  wildcard also reaches `$…`.
- A pattern that matches everything of an ability takes it away: the ability is denied. This is so if the pattern
  matches the filter as a plain text: each wildcard then lies within a `*`, which matches any other text there, too.
  Several denies that together leave nothing are named, but do not count as that.
- A pattern that matches a part takes that part away. To find out, a text is looked for that both match.
- To publish with RETAIN needs both actions; to subscribe is of use only with receiving. What denies either denies both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion
from iot_policies.actions import RESOURCE_TYPES, Action
from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry, Rule
from iot_policies.errors import PolicyError
from iot_policies.grants import ConnectAttribute, Key
from iot_policies.nearest import missing_values, problem
from iot_policies.placeholders import Values, as_format, placeholder_names
from iot_policies.principal import Principal
from iot_policies.template import PolicyTemplate
from iot_policies.topics import HASH, PLUS, TO, as_written, joined, lead
from iot_policies.wildcards import STAR, matcher

Use = Literal["connect", "publish", "retain", "subscribe", "receive", "read", "send"]
"""What an ability is for; `subscribe` is also to receive, `receive` only that."""

_NEEDS: Mapping[Use, tuple[tuple[Key, ...], tuple[Action, ...]]] = {
    "connect": (("connect",), ("iot:Connect",)),
    "publish": (("publish", "retain"), ("iot:Publish",)),
    "retain": (("retain",), ("iot:Publish", "iot:RetainPublish")),
    "subscribe": (("subscribe",), ("iot:Subscribe", "iot:Receive")),
    "receive": (("receive",), ("iot:Receive",)),
    "read": (("read",), ("iot:GetRetainedMessage",)),
    "send": (("send",), ("iot:SendDirectMessage",)),
}
"""For each use the keys of grants that allow it, and the actions that it needs."""


@dataclass(frozen=True, slots=True)
class DeniedPart:
    """What a deny takes away from an ability: what its filter matches, or as much of it as there is."""

    resource: str
    """The filter or client ID of the deny, filled; a `*` is any client ID."""
    entry: Entry
    attributes: tuple[ConnectAttribute, ...] | None
    """It is denied only to a CONNECT that asks for one of these; None for any."""
    is_all: bool
    """Whether it takes everything away."""


@dataclass(frozen=True, slots=True)
class Ability:
    """A client ID, topic or topic filter that an entry grants."""

    resource: str
    entry: Entry
    denied: tuple[DeniedPart, ...]

    @property
    def allowed(self) -> bool:
        """Whether something of it is left; may be True if several denies together leave nothing."""
        return not any(part.is_all and part.attributes is None for part in self.denied)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one principal can do."""

    by_use: Mapping[Use, Sequence[Ability]]
    problem: str | None
    """Why the principal gets no policy; None if it gets one."""
    left_out: Sequence[str]
    """The entries that grant nothing because a value is missing, and which."""
    refuses_client_id: bool
    """Whether the authorizer refuses the client ID, if one is given."""


def what_can(
    template: PolicyTemplate,
    principal: Principal,
    client_id: str | None = None,
    *,
    place: AccountRegion = EXAMPLE_PLACE,
) -> Abilities:
    """What a template allows a principal. `place` has the account and region of the ARNs, as in `explain`."""
    values = Values(principal, client_id)
    try:
        policy = compile_policy(template, principal, client_id)
        policy.documents(place)
        entries = [*template.applicable(principal)]
    except PolicyError as error:
        return Abilities(dict.fromkeys(_NEEDS, ()), problem(error, values), (), client_id is not None)
    denials = [*_denials(entries, values)]
    by_use = {
        use: [ability for entry in entries for ability in _abilities(entry, keys, actions, denials, values)]
        for use, (keys, actions) in _NEEDS.items()
    }
    left_out = [f"{entry}: {missing}" for entry in entries if (missing := missing_values(entry, values))]
    return Abilities(by_use, None, left_out, client_id is not None and not policy.may_connect(client_id))


class _Denial(NamedTuple):
    action: Action
    pattern: str
    resource: str
    entry: Entry


def _denials(entries: Iterable[Entry], values: Values) -> Iterator[_Denial]:
    for entry in entries:
        for rule in entry.rules if entry.effect == "Deny" else ():
            for combination in values.combinations(rule.names):
                yield _Denial(rule.action, rule.allowed.format(*combination), _filled(entry, combination), entry)


def _filled(entry: Entry, combination: tuple[str, ...]) -> str:
    return as_written(as_format(entry.filter, placeholder_names(entry.filter)).format(*combination))


def _abilities(
    entry: Entry, keys: Sequence[Key], actions: Sequence[Action], denials: Sequence[_Denial], values: Values
) -> Iterator[Ability]:
    if entry.effect == "Deny" or entry.key not in keys:
        return
    rules = [rule for rule in entry.rules if rule.action in actions]
    for combination in values.combinations(rules[0].names):
        parts: dict[tuple[str, Entry], DeniedPart] = {}
        for rule in rules:
            for part in _denied_parts(entry, rule, combination, denials):
                known = parts.get((part.resource, part.entry))
                if known is None or part.is_all:
                    parts[part.resource, part.entry] = part
        yield Ability(_filled(entry, combination), entry, (*parts.values(),))


def _denied_parts(
    entry: Entry, rule: Rule, combination: tuple[str, ...], denials: Sequence[_Denial]
) -> Iterator[DeniedPart]:
    levels = tuple(level.format(*combination) for level in rule.level_formats)
    start = lead(levels)
    kind = f"{RESOURCE_TYPES[rule.action]}/"
    client_ids = {"iot:Connect": 0, "iot:SendDirectMessage": 1}
    if (at := client_ids.get(rule.action)) is not None and levels[at].endswith("*"):
        levels = (*levels[:at], f"{levels[at][:-1]}{HASH}", *levels[at + 1 :])
    text = kind + joined(levels)
    reserved_at = len(text) - len("/".join(levels[start:])) if levels[start] in _WILD else None
    for _, pattern, resource, denying in (each for each in denials if each.action == rule.action):
        if _is_asked_for(entry, denying) and _meet(pattern, text, reserved_at):
            yield DeniedPart(resource, denying, denying.attributes, is_all=matcher(pattern)(text))


def _is_asked_for(granting: Entry, denying: Entry) -> bool:
    """Whether a CONNECT that a grant allows can ask for what a deny denies."""
    granted, denied = granting.attributes, denying.attributes
    return granted is None or denied is None or bool({*granted} & {*denied})


def _meet(pattern: str, text: str, reserved_at: int | None) -> bool:
    """Whether a text exists that a pattern of an IoT policy and a filter both match.

    Both are read from left to right at once, in every way: a place in the pattern, one in the filter, and whether the
    wildcard there has no character yet. `reserved_at` is the place of a wildcard that takes no `$` as its first one.
    """
    seen: set[tuple[int, int, bool]] = set()
    pending = [(0, 0, True)]
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        at, here, begins = state
        mine, other = pattern[at : at + 1], text[here : here + 1]
        if not mine and not other:
            return True
        if mine == STAR:
            pending.append((at + 1, here, begins))
        if other in _WILD:
            pending.append((at, here + 1, True))
        if mine and other and _share_a_character(mine, other, reserved=begins and here == reserved_at):
            pending.append((at + (mine != STAR), here + (other not in _WILD), other not in _WILD))
    return False


def _share_a_character(mine: str, other: str, *, reserved: bool) -> bool:
    if TO in (mine, other):  # It is once in both, and no wildcard takes it.
        return mine == other
    if mine == STAR:
        return True
    if other not in _WILD:
        return mine == other
    return not (reserved and mine == "$") and not (other == PLUS and mine == "/")


_WILD = (PLUS, HASH)
