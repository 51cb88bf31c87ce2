"""Policy templates: what a client may do, as MQTT topics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from policies.entries import Action, Effect, Key, Rule, rules
from policies.errors import InvalidTopics
from policies.grants import Deny, Grant, Session, StrictModel
from policies.overlap import could_be_equal, cuts
from policies.principal import Principal
from policies.toml_file import from_validation, invalid_file, read_toml
from policies.topics import HASH, PLUS, contains


class _File(StrictModel):
    principal: Annotated[str, Field(min_length=1)] = "sub"
    session: Session = Session()
    grant: tuple[Grant, ...] = ()
    deny: tuple[Deny, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a template, with where it stands."""

    effect: Effect
    block: Grant | Deny
    block_index: int
    key: Key
    index: int
    text: str
    rules: tuple[Rule, ...]

    @property
    def location(self) -> tuple[str | int, ...]:
        """Where the entry stands in its file: `("grant", 0, "publish", 1)`."""
        return (*self.block_location, self.key, self.index)

    @property
    def block_location(self) -> tuple[str | int, ...]:
        """Where its grant or deny stands: `("grant", 0)`."""
        return ("grant" if self.effect == "Allow" else "deny", self.block_index)

    @property
    def block_name(self) -> str:
        """What to call its grant or deny: `grant "rooms"`, or `grant[1]` where it has no name."""
        kind, index = self.block_location
        return f"{kind}[{index}]" if self.block.name is None else f'{kind} "{self.block.name}"'

    def __str__(self) -> str:
        return f'{self.block_name}, {self.key} = "{self.text}"'


@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """Grants and denials, checked: for every principal, what they say can be an IoT policy exactly."""

    grants: tuple[Grant, ...]
    denies: tuple[Deny, ...]
    principal_claim: str
    """The claim of a token that names the principal."""
    session: Session
    entries: tuple[Entry, ...]
    """All entries, the grants' first, in the order of the file."""

    @classmethod
    def load(cls, path: Path | str) -> "PolicyTemplate":
        """Reads a template from a TOML file.

        Raises InvalidFile with the line, the key and what was expected.
        """
        path = Path(path)
        tables, text = read_toml(path)
        try:
            file = _File.model_validate(tables)
        except ValidationError as error:
            raise from_validation(path, text, error) from None
        try:
            return cls.of((*file.grant, *file.deny), principal_claim=file.principal, session=file.session)
        except InvalidTopics as error:
            raise invalid_file(path, text, error.key, str(error)) from None

    @classmethod
    def of(
        cls, blocks: Sequence[Grant | Deny], *, principal_claim: str = "sub", session: Session | None = None
    ) -> "PolicyTemplate":
        """Makes a template from grants and denials.

        Raises InvalidTopics, naming the entries, where they can't be an exact policy.
        """
        grants = tuple(block for block in blocks if isinstance(block, Grant))
        denies = tuple(block for block in blocks if isinstance(block, Deny))
        entries = (*_entries(grants, "Allow"), *_entries(denies, "Deny"))
        _settle(entries)
        return cls(grants, denies, principal_claim, session or Session(), entries)

    @property
    def blocks(self) -> tuple[Grant | Deny, ...]:
        """Grants, then denials."""
        return (*self.grants, *self.denies)

    def applicable(self, principal: Principal) -> Iterator[Entry]:
        """The entries of all grants and denials whose `when` the principal meets."""
        last: Grant | Deny | None = None
        applies = False
        for entry in self.entries:
            if entry.block is not last:
                last, applies = entry.block, entry.block.applies(principal.claims)
            if applies:
                yield entry


def _entries(blocks: Sequence[Grant | Deny], effect: Effect) -> Iterator[Entry]:
    for block_index, block in enumerate(blocks):
        widen = isinstance(block, Grant) and block.widen
        for key, index, text in block.entries():
            location = ("grant" if effect == "Allow" else "deny", block_index, key, index)
            try:
                found = rules(text, key, effect, widen=widen)
            except ValueError as error:
                raise InvalidTopics(location, f'"{text}": {error}') from None
            yield Entry(effect, block, block_index, key, index, text, found)


def _settle(entries: Sequence[Entry]) -> None:
    """Finds, for each rule, those that may contain it; refuses rules whose denials cut into others."""
    by_action: dict[Action, list[tuple[Entry, Rule]]] = {}
    for entry in entries:
        if entry.effect == "Allow" and entry.key != "connect":
            for rule in entry.rules:
                by_action.setdefault(rule.action, []).append((entry, rule))
    for pairs in by_action.values():
        wild = [(entry, rule) for entry, rule in pairs if PLUS in rule.levels or HASH in rule.levels]
        for _, outer in wild:
            for _, inner in pairs:
                if inner is not outer and _may_contain(outer, inner):
                    inner.containers.append(outer)
        for entry, rule in wild:
            if rule.denied and not _always_contained(entry, rule, entries):
                _refuse_cuts(entry, rule, pairs)


def _may_contain(outer: Rule, inner: Rule) -> bool:
    """Two rules that may contain each other are the same text where they do, and merge as such."""
    return contains(outer.levels, inner.levels, could_be_equal) and not contains(
        inner.levels, outer.levels, could_be_equal
    )


def _always_contained(entry: Entry, rule: Rule, entries: Sequence[Entry]) -> bool:
    """Whether another rule, there whenever this one is, contains this one for every principal."""
    return any(
        container in other.rules and contains(container.levels, rule.levels)
        for container in rule.containers
        for other in entries
        if other.block is entry.block or other.block.when is None
    )


def _refuse_cuts(entry: Entry, rule: Rule, others: Sequence[tuple[Entry, Rule]]) -> None:
    for other, inner in others:
        if inner is rule or contains(rule.levels, inner.levels) or contains(inner.levels, rule.levels):
            continue
        if any(cuts(glob, inner.levels) for glob in rule.denied_globs):
            raise InvalidTopics(
                entry.location,
                f'"{entry.text}" needs a denial that would also deny {other}: '
                f"name the levels, or say widen = true in {entry.block_name} and allow deeper levels too",
            )
