"""Principals with as few claims as possible, for which some blocks apply and some placeholders have given values.

What is asked of a claim is collected: each condition of a grant wants one of its values, each condition of a deny one
of the spellings of its values, each placeholder its value. A claim that is asked for several of these is a list of
them. So every principal that meets the same conditions has these claims and perhaps more. A value that is not asked for
is a word that no text of the templates has.

More claims only let more entries apply, and equal values only make entries match more. So what no such principal can do
because of other entries, no other principal can do. A principal that is refused because of a name with dots
(UNREADABLE) says nothing about others: the same claims in objects could be read (`in_objects`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from math import prod

from iot_policies.grants import Deny, Grant
from iot_policies.principal import WORD_LISTS, Principal
from iot_policies.proofs.meaning import CLIENT_ID, PRINCIPAL
from iot_policies.proofs.patterns import NotCovered, Text, Variable, literal, replaced
from iot_policies.proofs.representatives import ExamplePrincipal
from iot_policies.proofs.spellings import spellings
from iot_policies.proofs.unification import LONGEST_VALUE, Substitution, is_part
from iot_policies.template import PolicyTemplate
from iot_policies.when import Condition, choices, covers

Block = Grant | Deny
UNREADABLE = ("ambiguous_claim", "unclear_denial")
"""Reason codes of principals whose claims could be read in another shape."""
MOST_CHOICES = 4096
"""How many principals are tried for one choice of blocks."""
_WORDS = ("any", "red", "blue", "green", "oak", "elm", "sun", "fox")
_NAMES: Mapping[Variable, tuple[str, ...]] = {PRINCIPAL: ("ann", "bob", "eve"), CLIENT_ID: ("phone", "desk")}


class Words:
    """Words that no text of some templates has, and no other given text, in any case: one for each use."""

    def __init__(self, templates: Iterable[PolicyTemplate], *others: str) -> None:
        self._texts = [text.casefold() for text in others]
        for template in templates:
            self._texts.append(template.topic_prefix.casefold())
            self._texts += [entry.filter.casefold() for entry in template.entries]
            self._texts += [str(block.when).casefold() for block in template.blocks if block.when]
        self._known: dict[object, str] = {}

    def of(self, use: object) -> str:
        """The word for a use, such as a variable."""
        if isinstance(use, Variable) and use.name == CLIENT_ID.name:
            use = CLIENT_ID  # A client has only one.
        if use not in self._known:
            first = _NAMES[use] if isinstance(use, Variable) and use in _NAMES else _WORDS
            words = (f"{word}{number or ''}" for number in count() for word in first)
            self._known[use] = next(word for word in words if self._is_new(word))
        return self._known[use]

    def _is_new(self, word: str) -> bool:
        return word not in self._known.values() and not any(word in text for text in self._texts)

    def fill(self, found: Substitution, variables: Iterable[Variable]) -> Mapping[Variable, str] | None:
        """Texts for variables: what a substitution says, and a word of its own for the rest.

        None if a value is longer than values can be.
        """
        values = {each: self._filled(found.get(each, (each,))) for each in (*variables, *found) if not is_part(each)}
        return values if all(len(text.encode()) <= LONGEST_VALUE for text in values.values()) else None

    def _filled(self, text: Text) -> str:
        parts = [part for part in text if isinstance(part, Variable)]
        return literal(replaced(text, {part: (self.of(part),) for part in parts}))


def smallest_principals(
    words: Words, blocks: Iterable[Block], values: Mapping[Variable, str]
) -> list[ExamplePrincipal]:
    """The principals for which blocks apply, and that have these values; fewest claims first. Raises NotCovered."""
    asked = [(block, name, wanted) for block in blocks for name, wanted in (block.when or {}).items()]
    options = [[*_options(block, name, wanted, asked)] for block, name, wanted in asked]
    if prod(map(len, options)) > MOST_CHOICES:
        raise NotCovered("a condition has too many values to try each")
    names = [name for _, name, _ in asked]
    found = {
        example.key: example
        for chosen in product(*options)
        for example in [_example(words, zip(names, chosen, strict=True), values)]
    }
    return sorted(found.values(), key=size)


def in_objects(words: Words, example: ExamplePrincipal) -> Iterator[ExamplePrincipal]:
    """The same principal with names with dots as paths into objects; then also a claim of any value as an object."""
    for any_is_object in (False, True):
        claims: dict[str, object] = {}
        for name, value in sorted(example.principal.claims.items(), key=lambda item: item[0].count("."), reverse=True):
            is_any = value == words.of(("claim", name))
            *path, last = name.split(".")
            at = claims
            for outer in path:
                inner = at.setdefault(outer, {})
                if not isinstance(inner, dict):
                    return
                at = inner
            if last in at and not is_any:
                return
            at.setdefault(last, {str(value): value} if is_any and any_is_object else value)
        yield example._replace(principal=Principal(example.principal.name, claims))


def size(example: ExamplePrincipal) -> int:
    """How much a principal has: its claims and their values."""
    claims = example.principal.claims
    return len(claims) + sum(len(value) for value in claims.values() if isinstance(value, list))


_ANY = object()


def _options(
    block: Block, name: str, wanted: Condition, asked: Sequence[tuple[Block, str, Condition]]
) -> Iterator[object]:
    """The values that meet a condition: the condition's own ones first."""
    if wanted == "*":
        yield _ANY
        return
    yield from choices(wanted)
    if isinstance(block, Grant):
        yield from (int(each) for each in choices(wanted) if isinstance(each, float) and each.is_integer())
        return  # 1 equals 1.0, and can also fill a placeholder.
    yield from (spelled for each in choices(wanted) for spelled in spellings(each))
    others = (each for grant, other, of in asked if isinstance(grant, Grant) and other == name for each in choices(of))
    yield from (each for each in others if each != "*" and covers(each, wanted))


def _example(words: Words, chosen: Iterable[tuple[str, object]], values: Mapping[Variable, str]) -> ExamplePrincipal:
    claims: dict[str, dict[str, object]] = {}
    for name, value in chosen:
        known = claims.setdefault(name, {})
        if value is not _ANY:
            known[repr(value)] = value  # 1 and true are equal in Python.
    for variable, text in values.items():
        if variable.name.startswith("claims."):
            claims.setdefault(variable.name.removeprefix("claims."), {})[repr(text)] = text
    single = {name: _value(words, name, [*found.values()]) for name, found in claims.items()}
    given = {variable.name: text for variable, text in values.items()}
    name, client_id = (given.get(each.name) or words.of(each) for each in (PRINCIPAL, CLIENT_ID))
    return ExamplePrincipal(Principal(name, single), client_id)


def _value(words: Words, name: str, found: Sequence[object]) -> object:
    if len(found) == 1 and not (name in WORD_LISTS and " " in str(found[0])):  # A list's elements are not split.
        return found[0]
    return [*found] or words.of(("claim", name))
