"""Example principals of every kind that a template can tell apart, for the comparison with the real compiler.

The compiler copies values and compares them only for equality, and it leaves an entry out because of one other entry.
So the kinds are: which blocks apply, which values are missing, and which levels of two entries are equal.

1. For each two entries that can have a resource in common, and each entry with itself: every set of levels that can be
   equal (`equal_levels.py`).
2. Each of these with the blocks of both, of one, of the other, and with all blocks.
3. Every choice of every list in a `when`, and everything once more with one more value in each list: a fault that one
   value hides shows with the other.
   For each two entries also: values that differ only in case, and no client ID.
4. Many values in each list, until the policy is too large: packing then needs several documents.
   Claims that the template does not name: nothing reads them.
5. Each placeholder missing, with values that are no plain level, and with values that are easily changed by copying
   (`hostile_values.py`). Values that cannot be read, also if their block does not apply: then they are not read.
6. For each entry of `connect`: client IDs that it matches, and near misses.
7. For each condition: every spelling of it, near misses, and values that cannot be compared or read, each alone and at
   both ends of a list (`spellings.py`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from math import prod
from typing import NamedTuple

from iot_policies.entries import Entry
from iot_policies.principal import Principal
from iot_policies.proofs.equal_levels import equalities, related
from iot_policies.proofs.hostile_values import (
    BROKEN_NAMES,
    ODD,
    PLAIN_VALUES,
    UNREADABLE_VALUES,
    UNSAFE_NAMES,
    UNSAFE_VALUES,
)
from iot_policies.proofs.meaning import CLIENT_ID, PRINCIPAL
from iot_policies.proofs.patterns import (
    NotCovered,
    Text,
    Variable,
    join,
    literal,
    template_levels,
    variables_of,
)
from iot_policies.proofs.spellings import near_misses, nested, unreadable, values_that_meet
from iot_policies.proofs.unification import Substitution, is_part
from iot_policies.template import PolicyTemplate
from iot_policies.when import Condition


class ExamplePrincipal(NamedTuple):
    """A principal to try."""

    principal: Principal
    client_id: str | None

    @property
    def key(self) -> str:
        """Tells examples apart."""
        return json.dumps([self.principal.name, self.principal.claims, self.client_id], sort_keys=True)


class Examples:
    """Makes the example principals of one template."""

    def __init__(self, template: PolicyTemplate) -> None:
        self._template = template
        self._blocks = template.blocks
        self._takes_client_id = any("{client_id}" in entry.text for entry in template.entries)
        used = [entry.text for entry in template.entries] + [str(block.when) for block in template.blocks]
        words = (f"{word}{number or ''}" for number in count() for word in _WORDS)
        self._words = (word for word in words if not any(word in text for text in used))
        self._known: dict[object, str] = {}

    def all(self) -> Iterator[ExamplePrincipal]:
        """Every example, without duplicates. Raises NotCovered."""
        seen = set()
        for example in self._every():
            if example.key not in seen:
                seen.add(example.key)
                yield example

    def of(self, values: Substitution, *entries: Entry) -> Iterator[ExamplePrincipal]:
        """The examples with some values for which the blocks of some entries apply."""
        for solution in self._filled(values, variables_of(level for each in entries for level in _levels(each))):
            for case in self._choices([entry.block_index for entry in entries]):
                yield from self._examples(solution, case)

    def many(self, number: int) -> Iterator[ExamplePrincipal]:
        """An example with so many values for each claim of a placeholder; none if that makes too many resources.

        All blocks apply to it.
        """
        names = self._claims(*self._template.entries)
        most = max((len(self._claims(entry)) for entry in self._template.entries), default=0)
        if names and number**most <= _MOST_COMBINATIONS:
            yield self._example(self._with_many(names, number), self._choices(range(len(self._blocks)))[0])

    def many_of_some(self, number: int) -> Iterator[ExamplePrincipal]:
        """As `many`, and examples whose policies are smaller, so that there are more values of some claim in them.

        For each grant: only that grant and those for all apply. For each claim: each other one has one value, or none.
        """
        names, every = self._claims(*self._template.entries), self._choices(range(len(self._blocks)))[0]
        for example in self.many(number):
            yield example
            grants = dict.fromkeys(each.block_index for each in self._template.entries if each.effect == "Allow")
            values = self._with_many(names, number)
            yield from (self._example(values, self._choices([block])[0]) for block in grants)
        for name in names if len(names) > 1 else ():
            values = self._with_many([name], number)
            yield self._example(self._with_many(names, 1) | values, every)
            yield self._example(values, every)

    def _with_many(self, names: Iterable[str], number: int) -> dict[Variable, str]:
        pairs = product(names, range(number))
        return {Variable(f"claims.{name}", copy): self._word((name, copy)) for name, copy in pairs}

    def _every(self) -> Iterator[ExamplePrincipal]:
        every = range(len(self._blocks))
        yield self._example({}, {})
        yield self._example({}, {})._replace(client_id=self._word(CLIENT_ID))
        yield from self._of_conditions()
        yield from self._of_placeholders()
        yield from self._of_client_ids()
        for case in self._choices(every):
            yield from self._examples({}, case)
        yield self._with_unnamed(self._example({}, self._choices(every)[0]))
        for one, other in related(self._template.entries, self._template.topic_prefix):
            blocks = one.block_index, other.block_index
            try:
                solutions = [*self._solutions(one, other)]
            except NotCovered as problem:
                raise NotCovered(f"{one} and {other}: {problem}") from None
            for applied in dict.fromkeys(map(frozenset, (blocks, blocks[:1], blocks[1:], every))):
                for case in self._choices(sorted(applied)):
                    for solution in solutions:
                        yield from self._examples(solution, case)
                    if self._takes_client_id:
                        yield self._example(solutions[0], case)._replace(client_id=None)
            case = self._choices(blocks)[0]
            yield from (self._example(_in_other_case(solution), case) for solution in solutions)
            for name in self._claims(one, other):
                for case in self._choices(blocks):
                    rest = {key: value for key, value in case.items() if key != name}
                    yield self._example({key: text for key, text in solutions[0].items() if _claim(key) != name}, rest)

    def _solutions(self, one: Entry, other: Entry) -> Iterator[Mapping[Variable, str]]:
        """Values for two entries, for every set of levels that can be equal."""
        variables = variables_of((*_levels(one), *_levels(other, copy=2)))
        for found in equalities(one, other, self._template.topic_prefix):
            yield from self._filled(found, variables)

    def _filled(self, found: Substitution, variables: Iterable[Variable]) -> Iterator[Mapping[Variable, str]]:
        """A substitution with a new word for each variable that it leaves open; none if a value is then too long."""
        names = dict.fromkeys((*variables, *found))
        parts = [part for text in found.values() for part in text if isinstance(part, Variable)]
        words = {PRINCIPAL: self._word(PRINCIPAL), CLIENT_ID: self._word(CLIENT_ID)}
        for index, part in enumerate(each for each in dict.fromkeys((*names, *parts)) if each not in words):
            words[part] = self._word(index)
        texts = {name: found.get(name, (name,)) for name in names if not is_part(name)}
        values = {name: literal(_replaced(text, words)) for name, text in texts.items()}
        if all(len(value.encode()) <= 128 for value in values.values()):
            yield values

    def _word(self, use: object) -> str:
        """A word for one use: no text of the template has it, and no other use."""
        if use not in self._known:
            self._known[use] = next(self._words)
        return self._known[use]

    def _claims(self, *entries: Entry) -> list[str]:
        names = [_claim(each) for entry in entries for each in variables_of(_levels(entry))]
        return [*dict.fromkeys(name for name in names if name is not None)]

    def _choices(self, blocks: Iterable[int]) -> list[dict[str, list[object]]]:
        """Values for which some blocks apply: every choice of every list, or if these are many, each value once."""
        conditions = [pair for block in blocks for pair in (self._blocks[block].when or {}).items()]
        distinct = {repr(pair): pair for pair in conditions}  # 1 and true are equal in Python.
        names = [name for name, _ in distinct.values()]
        options = [_options(wanted) for _, wanted in distinct.values()]
        most = max(map(len, options), default=1)
        is_small = prod(map(len, options)) <= _MOST_CHOICES
        rows = product(*options) if is_small else ([each[n % len(each)] for each in options] for n in range(most))
        return [_case(zip(names, row, strict=True)) for row in rows]

    def _examples(self, values: Mapping[Variable, str], case: Mapping[str, list[object]]) -> Iterator[ExamplePrincipal]:
        """An example, and one with one more value for each claim of a placeholder."""
        yield self._example(values, case)
        yield self._example(values, case, extra=True)

    def _example(
        self, values: Mapping[Variable, str], case: Mapping[str, list[object]], *, extra: bool = False
    ) -> ExamplePrincipal:
        claims: dict[str, list[object]] = {name: list(found) for name, found in case.items()}
        for variable, value in values.items():
            if (name := _claim(variable)) is not None and value not in claims.setdefault(name, []):
                claims[name].append(value)
        for name, found in claims.items():
            if not found or (extra and any(_claim(each) == name for each in values)):
                found.append(self._word(("extra", name)))
        single = {name: found[0] if len(found) == 1 else found for name, found in claims.items()}
        client_id = values.get(CLIENT_ID, self._word(CLIENT_ID)) if self._takes_client_id else None
        return ExamplePrincipal(Principal(values.get(PRINCIPAL, self._word(PRINCIPAL)), single), client_id)

    def _of_conditions(self) -> Iterator[ExamplePrincipal]:
        """Each condition of each block met in every way, nearly met, and with values that a template cannot read."""
        for number, block in enumerate(self._blocks):
            values = self._values_of([entry for entry in self._template.entries if entry.block_index == number])
            case = self._choices([number])[0]
            for name, wanted in (block.when or {}).items():
                base = self._example(values, {key: each for key, each in case.items() if key != name})
                claims = {key: each for key, each in base.principal.claims.items() if key != name}
                for value in (*values_that_meet(block, wanted), *near_misses(block, wanted), *UNREADABLE_VALUES):
                    for found in (*nested(name, value), {name: value}):
                        yield _with(base, claims | found)
                for found in unreadable(name):
                    yield _with(base, claims | found)

    def _with_unnamed(self, example: ExamplePrincipal) -> ExamplePrincipal:
        """An example with claims that the template does not name. They can hold anything, since nothing reads them."""
        named = [*self._claims(*self._template.entries), *(name for block in self._blocks for name in block.when or {})]
        unread = {name: {"zz": ["a\u200b"]} for name in ("principal", "client_id", "claims", "sub", "zz")}
        unnamed = {name: value for name, value in unread.items() if not any(name in each.split(".") for each in named)}
        return _with(example, {**example.principal.claims, **unnamed})

    def _of_placeholders(self) -> Iterator[ExamplePrincipal]:
        """Each placeholder missing, or with a value that is no plain level or is odd; its entry's block applies."""
        seen: set[tuple[str, str]] = set()
        for entry in self._template.entries:
            values = self._values_of([entry])
            base = self._example(values, self._choices([entry.block_index])[0])
            yield self._odd(entry)
            for name in self._claims(entry):
                claims = {key: each for key, each in base.principal.claims.items() if key != name}
                yield _with(base, claims)
                if (name, entry.effect) not in seen:
                    seen.add((name, entry.effect))
                    for value in (*UNSAFE_VALUES, *PLAIN_VALUES):
                        for found in (*nested(name, value), {name: value}):
                            yield _with(base, claims | found)
                for found in unreadable(name):
                    yield _with(base, claims | found)
                yield from self._unread(entry, name)
        if self._template.entries:
            yield from self._of_names(base)

    def _unread(self, entry: Entry, name: str) -> Iterator[ExamplePrincipal]:
        """Values of a claim that no placeholder takes, while other blocks apply and that of the entry does not."""
        when = entry.block.when or {}
        case = self._choices(range(len(self._blocks)))[0]
        base = self._example({}, {key: each for key, each in case.items() if key not in (*when, name)})
        if when and name not in when:
            bad: tuple[dict[str, object], ...] = ({name: "a/b"}, {name: {"zz": 1}})
            for found in (*bad, *unreadable(name)):
                yield _with(base, {**base.principal.claims, **found})

    def _of_names(self, base: ExamplePrincipal) -> Iterator[ExamplePrincipal]:
        """A principal and a client ID that is missing, breaks the name rule, or is no plain level."""
        for text in (*UNSAFE_NAMES, *BROKEN_NAMES, ""):
            yield base._replace(principal=Principal(text, base.principal.claims))
            yield base._replace(client_id=text)
        yield base._replace(client_id=None)

    def _of_client_ids(self) -> Iterator[ExamplePrincipal]:
        """Client IDs of each entry of `connect`, and near misses, also if only blocks without `when` apply."""
        for entry in self._template.entries:
            if entry.key == "connect":
                values = self._values_of([entry])
                text = "/".join(literal(_replaced(level, values)) for level in _levels(entry))
                begins = text.removesuffix("*")
                for case in (self._choices([entry.block_index])[0], {}):
                    base = self._example(values, case)
                    for each in (begins, text, f"{begins}a", f"a{begins}", f"{begins}/a", begins[:-1], begins[1:]):
                        yield base._replace(client_id=each or "a")

    def _odd(self, entry: Entry) -> ExamplePrincipal:
        """An example with a value for each placeholder that a careless copy changes."""
        values = {variable: f"{ODD}{number}" for number, variable in enumerate(self._values_of([entry]))}
        return self._example(values, self._choices([entry.block_index])[0])

    def _values_of(self, entries: Sequence[Entry]) -> Mapping[Variable, str]:
        variables = variables_of(level for entry in entries for level in _levels(entry))
        return next(self._filled({}, variables))


_WORDS = ("ann", "red", "blue", "oak", "elm", "sun", "fox", "owl", "bee", "ivy")
_MOST_CHOICES = 16
_MOST_COMBINATIONS = 256
_ANY = object()
"""Any value: another claim's placeholder has one, or else a new word is used."""


def _options(wanted: Condition) -> list[object]:
    return [_ANY] if wanted == "*" else [*wanted] if isinstance(wanted, tuple) else [wanted]


def _case(chosen: Iterable[tuple[str, object]]) -> dict[str, list[object]]:
    """The values of each claim, without duplicates."""
    values: dict[str, dict[str, object]] = {}
    for name, value in chosen:
        known = values.setdefault(name, {})
        if value is not _ANY:
            known[repr(value)] = value
    return {name: [*known.values()] for name, known in values.items()}


def _with(example: ExamplePrincipal, claims: Mapping[str, object]) -> ExamplePrincipal:
    return example._replace(principal=Principal(example.principal.name, claims))


def _in_other_case(values: Mapping[Variable, str]) -> Mapping[Variable, str]:
    """Values in which those of the last copy of the claims have capital letters, so that only case tells them."""
    last = max((variable.copy for variable in values), default=0)
    return {variable: value.upper() if variable.copy == last else value for variable, value in values.items()}


def _claim(variable: Variable) -> str | None:
    return variable.name.removeprefix("claims.") if variable.name.startswith("claims.") else None


def _levels(entry: Entry, copy: int = 1) -> tuple[Text, ...]:
    return template_levels(entry.text, copy)


def _replaced(text: Text, words: Mapping[Variable, str]) -> Text:
    return join(words[part] if isinstance(part, Variable) else part for part in text)
