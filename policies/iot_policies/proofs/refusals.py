"""The principals that only one of two templates refuses, because it reads a claim that the other one does not read.

1. A template reads the claims of each `when`, and those of the placeholders of each block that applies.
2. A principal is refused if a claim that is read breaks the name rule (`invalid_name`) or is there in two ways
   (`ambiguous_claim`), if a placeholder's value is no plain level (`unsafe_value`), which can also be the client ID, or
   if a deny cannot compare a claim (`unclear_denial`).
3. For each claim, each of these values, and each entry that grants something, the smallest principals with the value
   are tried with both templates: one for each value of each condition. A claim of a `when` is read also if its other
   conditions do not hold, so it is tried without them, too. One that only one template refuses stands for its kind.
   More than MOST_PRINCIPALS are not covered.
4. The example principals of `diff` can show more kinds: `refusal_of`.
"""

from collections.abc import Iterator
from typing import NamedTuple

from iot_policies.compiler import compile_policy
from iot_policies.entries import Entry
from iot_policies.errors import PolicyError
from iot_policies.placeholders import claim_names
from iot_policies.principal import Principal
from iot_policies.proofs.claims import MustBeRefused
from iot_policies.proofs.meaning import Meaning, meaning
from iot_policies.proofs.patterns import NotCovered, template_levels, variables_of
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.proofs.smallest_principals import Block, Words, smallest_principals
from iot_policies.template import PolicyTemplate

MOST_PRINCIPALS = 1024
"""How many principals are tried for one grant and one block that reads claims."""
_OTHERS = ("principal", "client_id")
"""What a placeholder reads besides claims."""
_VALUES: tuple[tuple[str, object], ...] = (
    ("invalid_name", "a\u200b"),
    ("unsafe_value", "a/b"),
    ("unsafe_value", False),  # With a condition "*", it is not there.
    ("unclear_denial", {"a": "b"}),
    ("unclear_denial", {}),
)
"""Reason codes, each with a value that is refused where that code is possible."""


class Refusals(NamedTuple):
    """A kind of principals that one template refuses, and the other one does not."""

    is_new: bool
    """Whether the new template refuses them."""
    reason: str
    """The reason code."""
    source: str
    """The claim, as `claims.rooms`; or `principal` or `client_id`."""
    example: ExamplePrincipal

    @property
    def kind(self) -> tuple[bool, str, str]:
        """What kinds differ in."""
        return self.is_new, self.reason, self.source


def refusals(
    old: PolicyTemplate, new: PolicyTemplate, words: Words, not_covered: list[str]
) -> Iterator[Refusals | None]:
    """The kinds of principals that only one of two templates refuses. Those without any grant are left out.

    A kind can come twice. None comes after each principal that was tried, so that the caller can stop at any time. What
    cannot be decided is added to `not_covered`, one line each.
    """
    for is_new, template, other in ((False, old, new), (True, new, old)):
        for block in blocks_only_in(template, other):
            try:
                yield from _of_block(template, other, block, words, is_new=is_new)
            except NotCovered as problem:
                name = next((entry.block_name for entry in template.entries if entry.block is block), "a block")
                not_covered.append(f"principals that are refused because of {name}: {problem}")


def refusal_of(old: PolicyTemplate, new: PolicyTemplate, example: ExamplePrincipal) -> Refusals | None:
    """The kind of a principal that only one template refuses; None if both do, or none, or nothing is granted to it."""
    before, after = meant(old, example), meant(new, example)
    if isinstance(before, str) == isinstance(after, str) or "nothing_granted" in (before, after):
        return None
    is_new, reason = isinstance(after, str), after if isinstance(after, str) else before
    try:
        compile_policy(new if is_new else old, *example)
    except PolicyError as error:
        return Refusals(is_new, error.reason, error.source, example)
    raise NotCovered(f"{example}: refused by the template only, for {reason}")


def _of_block(
    template: PolicyTemplate, other: PolicyTemplate, block: Block, words: Words, *, is_new: bool
) -> Iterator[Refusals | None]:
    """What a template refuses because of a block, and the other one does not."""
    for source in _sources(template, block):
        shown = set()
        for reason, example in _tries(other, block, source, words):
            yield None
            if reason in shown or meant(template, example) != reason:
                continue
            if isinstance(meant(other, example), Meaning):
                shown.add(reason)
                yield Refusals(is_new, reason, source, example)


def blocks_only_in(mine: PolicyTemplate, other: PolicyTemplate) -> list[Block]:
    """The grants and denies of a template that the other one does not have."""
    known = {(type(block), repr(block)) for block in other.blocks}  # By text: 1 and true are equal in Python.
    return [block for block in mine.blocks if (type(block), repr(block)) not in known]


def meant(template: PolicyTemplate, example: ExamplePrincipal) -> Meaning | str:
    """What a template means for a principal, or the reason code for which it is refused. Raises NotCovered."""
    try:
        return meaning(template, example.principal, example.client_id)
    except MustBeRefused as reason:
        return str(reason)


def _sources(template: PolicyTemplate, block: Block) -> dict[str, None]:
    """The claims that a block reads, and the principal and the client ID if a placeholder reads them."""
    texts = [entry.text for entry in template.entries if entry.block is block]
    names = [*(block.when or {}), *(name for text in texts for name in claim_names(text))]
    sources = dict.fromkeys(f"claims.{name}" for name in names)
    return sources | dict.fromkeys(name for name in _OTHERS if any(f"{{{name}}}" in text for text in texts))


def _tries(
    granting: PolicyTemplate, reading: Block, source: str, words: Words
) -> Iterator[tuple[str, ExamplePrincipal]]:
    """Principals with a value that is refused, for which some block grants something; each with its reason code."""
    for entry in _simplest_grants(granting):
        values = words.fill({}, variables_of(template_levels(entry.text))) or {}
        smallest = smallest_principals(words, [entry.block, reading], values)
        if source.removeprefix("claims.") in (reading.when or {}):
            smallest += smallest_principals(words, [entry.block], values)
        if len(smallest) > MOST_PRINCIPALS:
            raise NotCovered("conditions have too many values to try each")
        for example in smallest:
            yield from _refused(example, source)


def _refused(example: ExamplePrincipal, source: str) -> Iterator[tuple[str, ExamplePrincipal]]:
    """A principal with each value that is refused."""
    for reason, value in _VALUES:
        yield reason, _with(example, source, value)
    name = source.removeprefix("claims.")
    outer, dot, rest = name.partition(".")
    if dot:
        claims = {**example.principal.claims, name: "a", outer: {rest: "a"}}
        yield "ambiguous_claim", example._replace(principal=Principal(example.principal.name, claims))


def _simplest_grants(template: PolicyTemplate) -> Iterator[Entry]:
    """The entry with the fewest placeholders of each grant."""
    for block in template.blocks:
        entries = [each for each in template.entries if each.block is block and each.effect == "Allow"]
        if entries:
            yield min(entries, key=lambda each: each.text.count("{"))


def _with(example: ExamplePrincipal, source: str, value: object) -> ExamplePrincipal:
    """A principal with one more value of a claim, or with another name or client ID."""
    if source == "client_id":
        return example._replace(client_id=str(value))
    principal = example.principal
    if source == "principal":
        return example._replace(principal=principal._replace(name=str(value)))
    name = source.removeprefix("claims.")
    known = principal.claims.get(name)
    values = known if isinstance(known, list) else [] if known is None else [known]
    claims = {**principal.claims, name: [*values, value] if values else value}
    return example._replace(principal=principal._replace(claims=claims))
