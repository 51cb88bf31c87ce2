"""Compares two templates for every principal: what the new one opens and closes.

1. Entries that both templates have, with the same key, text, `when` and `connect_with`, allow and deny the same. So a
   topic for which the templates decide differently is matched by a changed entry, which only one of them has. There is
   one line for each changed entry that makes a difference (`changed_entries.py`).
2. Then any difference *outside all lines* is looked for, with example principals of every kind (`representatives.py`).
   By the argument above there is none. If one is found, it is reported as it is.
3. Claims that only one template reads can make it refuse principals (`refusals.py`); `principal` and `[session]` are
   compared as they are written. The size of policies is not compared.

What cannot be decided is named, and is never called the same.
"""

from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import NamedTuple

from iot_policies.account_region import EXAMPLE_PLACE
from iot_policies.actions import Action
from iot_policies.compiler import compile_policy
from iot_policies.errors import PolicyError
from iot_policies.principal import Principal
from iot_policies.proofs.changed_entries import ChangedEntries, ChangeLine, Effect, Shown, changed_entries, show
from iot_policies.proofs.decisions import NOTHING, Compared
from iot_policies.proofs.languages import ACTIONS
from iot_policies.proofs.limits import beyond_limits
from iot_policies.proofs.meaning import CLIENT_ID, Meaning, is_widened
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.progress import Progress, result_of
from iot_policies.proofs.refusals import Refusals, blocks_only_in, meant, refusal_of, refusals
from iot_policies.proofs.representatives import ExamplePrincipal, Examples
from iot_policies.proofs.smallest_principals import Words
from iot_policies.template import PolicyTemplate

_EFFECTS: tuple[Effect, ...] = ("opens", "closes")
_Reasons = Sequence[str | None]
"""The reason codes for which the old and the new template refuse a principal."""


class Setting(NamedTuple):
    """A value of the template that is not about topics."""

    key: str
    old: str
    new: str


@dataclass(slots=True)
class TemplateDiff:
    """What a new template changes."""

    lines: list[ChangeLine] = field(default_factory=list)
    refusals: list[Refusals] = field(default_factory=list)
    """Kinds of principals that only one template refuses."""
    settings: list[Setting] = field(default_factory=list)
    outside: list[tuple[Effect, Shown]] = field(default_factory=list)
    """Differences in no line, found by trying: there are none if the argument above holds."""
    not_covered: list[str] = field(default_factory=list)
    """What could not be decided, one line each."""

    @property
    def is_same(self) -> bool:
        """Whether no difference was found."""
        return not (self.lines or self.refusals or self.settings or self.outside)


def diff(old: PolicyTemplate, new: PolicyTemplate) -> TemplateDiff:
    """Compares two templates for every principal."""
    return result_of(diffing(old, new))


def diffing(
    old: PolicyTemplate, new: PolicyTemplate, found: TemplateDiff | None = None
) -> Generator[Progress, None, TemplateDiff]:
    """As `diff`, step by step: it yields how far it is and returns what it found.

    An empty `found` is filled on the way, for a caller that may stop before the end.
    """
    found = TemplateDiff() if found is None else found
    found.settings += _settings(old, new)
    changed = [
        (entry, is_new)
        for is_new, mine, other in ((False, old, new), (True, new, old))
        for entry in changed_entries(mine, other)
    ]
    if changed:
        widened = dict.fromkeys(str(each) for each in (*old.entries, *new.entries) if is_widened(each))
        found.not_covered += [f"{entry}: `widen` allows more than the entry matches" for entry in widened]
    words = Words((old, new))
    for number, (entry, is_new) in enumerate(changed):
        yield Progress("changed entries", number, len(changed))
        mine, other = (new, old) if is_new else (old, new)
        line = ChangedEntries(mine, other, words, found.not_covered).line(entry, is_new=is_new)
        if line is not None:
            found.lines.append(line)
    found.lines.sort(key=lambda line: line.effect == "closes")
    for number, refused in enumerate(refusals(old, new, words, found.not_covered)):
        if refused is None:
            yield Progress("refused principals", number, None)
        elif refused.kind not in {each.kind for each in found.refusals}:
            found.refusals.append(refused)
    if changed:
        yield from _outside(old, new, found)
    return found


def _settings(old: PolicyTemplate, new: PolicyTemplate) -> Iterator[Setting]:
    if old.principal_claim != new.principal_claim:
        yield Setting("principal", old.principal_claim, new.principal_claim)
    before, after = asdict(old.session), asdict(new.session)
    for key, value in before.items():
        if value != after[key]:
            unit = "s" if isinstance(value, int) else ""
            yield Setting(f"session.{key}", f"{value}{unit}", f"{after[key]}{unit}")


def _outside(old: PolicyTemplate, new: PolicyTemplate, found: TemplateDiff) -> Iterator[Progress]:
    """Looks for differences in no line, with example principals of every kind."""
    if beyond := dict.fromkeys((*beyond_limits(old), *beyond_limits(new))):
        found.not_covered += beyond
        return
    every: list[ExamplePrincipal] = []
    try:
        for each in Examples(_together(old, new)).all():
            every.append(each)
            yield Progress("collected principals", len(every), None)
    except NotCovered as problem:
        found.not_covered.append(f"example principals: {problem}")
        return
    changed = {id(line.entry) for line in found.lines}
    kinds = {each.kind: each for each in found.refusals}
    for number, example in enumerate(every):
        yield Progress("example principals", number, len(every))
        try:
            before, after = (_policy(template, example) for template in (old, new))
            if isinstance(before, Meaning) and isinstance(after, Meaning):
                actions = _actions(example, (old, new))
                found.outside += _differences(before, after, example, actions, changed, (old, new))
            elif (refusal := refusal_of(old, new, example)) is not None:
                kinds.setdefault(refusal.kind, refusal)
        except NotCovered as problem:
            found.not_covered.append(f"principal {example.principal.name}: {problem}")
        if found.outside:
            break
    found.refusals = [*kinds.values()]


def _policy(template: PolicyTemplate, example: ExamplePrincipal) -> Meaning | str:
    """What a template means for a principal, nothing if it grants nothing; the reason code for any other refusal."""
    found = meant(template, example)
    return NOTHING if found == "nothing_granted" else found


def _differences(
    before: Meaning,
    after: Meaning,
    example: ExamplePrincipal,
    actions: Iterable[Action],
    changed: Container[int],
    templates: Sequence[PolicyTemplate],
) -> Iterator[tuple[Effect, Shown]]:
    """The differences for one principal that no changed entry matches."""
    reaches = (*before.allowed, *before.denied, *after.allowed, *after.denied)
    without = [each for each in reaches if id(each.entry) in changed]
    both = zip(_EFFECTS, ((after, before), (before, after)), strict=True)
    for (effect, (allowing, refusing)), action in product(both, actions):
        decision = Compared(allowing, refusing, example.client_id).first(action, without=without)
        if decision is not None:
            yield effect, show(decision, action, example, templates)


def _actions(example: ExamplePrincipal, templates: Iterable[PolicyTemplate]) -> Sequence[Action]:
    """What a client can ask for: a CONNECT always has a client ID."""
    names_client_id = any("{client_id}" in entry.text for template in templates for entry in template.entries)
    return ACTIONS[1:] if example.client_id is None and names_client_id else ACTIONS


def _together(old: PolicyTemplate, new: PolicyTemplate) -> PolicyTemplate:
    """All blocks of two templates, for example principals. No policy is made of it."""
    kept = blocks_only_in(new, old)
    entries = [
        replace(entry, block_index=len(old.blocks) + number)
        for number, block in enumerate(kept)
        for entry in new.entries
        if entry.block is block
    ]
    return replace(
        old, blocks=(*old.blocks, *kept), entries=(*old.entries, *entries), whens=(), statements=(), denied_claims=()
    )


class Affected(NamedTuple):
    """What a new template changes for one principal."""

    opened: tuple[Shown, ...]
    """A shortest example for each action."""
    closed: tuple[Shown, ...]
    refused_before: str | None
    """The reason code for which the old template refuses the principal."""
    refused_after: str | None


def affected(old: PolicyTemplate, new: PolicyTemplate, words: Words, principal: Principal) -> Affected | None:
    """What a new template changes for a principal, with any client ID; None for nothing. Raises NotCovered."""
    example = ExamplePrincipal(principal, words.of(CLIENT_ID))
    return _affected((old, new), example, example, [_refusal(template, example) for template in (old, new)])


def affected_client(
    old: PolicyTemplate, new: PolicyTemplate, words: Words, principal: Principal, client_id: str | None
) -> Affected | None:
    """What a new template changes for a client that is connected; None for nothing. Raises NotCovered.

    `client_id` is its own; None if it connected without one. A template that does not grant it refuses the client.
    """
    client = ExamplePrincipal(principal, client_id)
    reasons = [_refusal(template, client) or _refusal_to_connect(template, client) for template in (old, new)]
    return _affected((old, new), client, ExamplePrincipal(principal, words.of(CLIENT_ID)), reasons)


def _affected(
    templates: Sequence[PolicyTemplate], example: ExamplePrincipal, connecting: ExamplePrincipal, reasons: _Reasons
) -> Affected | None:
    """What changes for a principal. `connecting` is the principal with a client ID that no template names."""
    found: list[tuple[Effect, Shown]] = []
    for each, actions in ((connecting, ACTIONS[:1]), (example, ACTIONS[1:])):
        before, after = (
            NOTHING if reason else meant(template, each) for template, reason in zip(templates, reasons, strict=True)
        )
        if isinstance(before, str) or isinstance(after, str):
            raise NotCovered(f"principal {each.principal.name}: a policy is compiled that must not be")
        found += _differences(before, after, each, actions, (), templates)
    opened, closed = (tuple(shown for effect, shown in found if effect == each) for each in _EFFECTS)
    return Affected(opened, closed, *reasons) if found or reasons[0] != reasons[1] else None


def _refusal_to_connect(template: PolicyTemplate, client: ExamplePrincipal) -> str | None:
    """The reason code for which a client with a policy is refused at its CONNECT."""
    if client.client_id is None or compile_policy(template, *client).may_connect(client.client_id):
        return None
    return "client_id_not_granted"


def _refusal(template: PolicyTemplate, example: ExamplePrincipal) -> str | None:
    """The reason code for which a principal gets no policy."""
    try:
        compile_policy(template, *example).documents(EXAMPLE_PLACE)
    except PolicyError as error:
        return error.reason
    return None
