"""A policy template: what clients may do, written as MQTT topics."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from iot_policies.entries import Action, Effect, Entry, Rule, quoted, rules, with_prefix
from iot_policies.errors import InvalidFile, InvalidTopics
from iot_policies.grants import Deny, Grant, Send, SessionTimes, StrictModel
from iot_policies.overlap import could_be_equal, cuts
from iot_policies.placeholders import claim_names
from iot_policies.planning import Container, StatementPlan, plan
from iot_policies.principal import Principal
from iot_policies.toml_file import invalid_file, parse_toml, read_file
from iot_policies.topic_prefix import check_topic_prefix
from iot_policies.topics import HASH, PLUS, contains, lead


class _File(StrictModel):
    principal: Annotated[str, Field(min_length=1)] = "sub"
    session: SessionTimes = Field(default_factory=SessionTimes)
    grant: tuple[Grant, ...] = ()
    deny: tuple[Deny, ...] = ()


_KEYS = {key for model in (_File, SessionTimes, Grant, Send) for key in model.model_fields}


@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """Checked grants and denies: an IoT policy can express them exactly for every principal."""

    principal_claim: str
    """The claim of a token that names the principal."""
    session: SessionTimes
    blocks: tuple[Grant | Deny, ...]
    """Grants first, then denies."""
    entries: tuple[Entry, ...]
    """All entries, in the order of the blocks."""
    plan: tuple[StatementPlan, ...]
    """The prepared statements, which `compile_policy` fills."""
    denied_claims: tuple[tuple[int, str], ...]
    """The claims that placeholders of denies read, each with the index of its deny in `blocks`."""
    topic_prefix: str = ""
    """The levels in front of each topic filter, such as `dev`; empty for none."""

    @classmethod
    def load(cls, path: Path | str, topic_prefix: str = "") -> "PolicyTemplate":
        """Reads a template from a TOML file. Raises InvalidFile with the line, the key and what was expected.

        Raises ValueError for an invalid topic prefix.
        """
        return cls.parse(read_file(Path(path)), path, topic_prefix)

    @classmethod
    def parse(cls, content: bytes, path: Path | str, topic_prefix: str = "") -> "PolicyTemplate":
        """As `load`, for the content of a TOML file. Errors name `path`."""
        path = Path(path)
        tables, text = parse_toml(content, path)
        if "policy" in tables:
            these = "these are tests" if "test" in tables else "this is a configuration"
            raise InvalidFile(path, None, "", f"{these}: expected a policy template, which its key policy names")
        file = _File.of_file(path, text, tables, _KEYS)
        try:
            return cls.of(
                (*file.grant, *file.deny),
                principal_claim=file.principal,
                session=file.session,
                topic_prefix=topic_prefix,
            )
        except InvalidTopics as error:
            raise invalid_file(path, text, error.key, str(error)) from None

    @classmethod
    def of(
        cls,
        blocks: Iterable[Grant | Deny],
        *,
        principal_claim: str = "sub",
        session: SessionTimes | None = None,
        topic_prefix: str = "",
    ) -> "PolicyTemplate":
        """Makes a template from grants and denies.

        Raises InvalidTopics, which names the entries, if no policy can express them exactly, and ValueError for an
        invalid topic prefix.
        """
        check_topic_prefix(topic_prefix)
        blocks = tuple(blocks)
        if not all(isinstance(block, (Grant, Deny)) for block in blocks):
            raise TypeError("expected only Grant and Deny")
        grants = [block for block in blocks if isinstance(block, Grant)]
        denies = [block for block in blocks if isinstance(block, Deny)]
        entries = (
            *_entries(grants, "Allow", 0, topic_prefix),
            *_entries(denies, "Deny", len(grants), topic_prefix),
        )
        planned = plan(entries, _settle(entries))
        denied = dict.fromkeys(
            (entry.block_index, name) for entry in entries if entry.effect == "Deny" for name in claim_names(entry.text)
        )
        return cls(
            principal_claim,
            session or SessionTimes(),
            (*grants, *denies),
            entries,
            planned,
            tuple(denied),
            topic_prefix,
        )

    def applicable(self, principal: Principal) -> Iterator[Entry]:
        """The entries of the grants and denies whose `when` the principal meets. Raises PolicyError."""
        return (entry for entry in self.entries if entry.block.applies(principal.claims))


def _entries(blocks: Sequence[Grant | Deny], effect: Effect, offset: int, topic_prefix: str) -> Iterator[Entry]:
    for number, block in enumerate(blocks):
        widen = isinstance(block, Grant) and block.widen
        for key, place, text in block.entries():
            try:
                found = rules(text, key, effect, widen=widen, topic_prefix=topic_prefix)
            except ValueError as error:
                location = ("grant" if effect == "Allow" else "deny", number, key, *place)
                raise InvalidTopics(location, f"{quoted(text)}: {error}") from None
            attributes = block.connect_with if key == "connect" else None
            whole = with_prefix(text, key, topic_prefix)
            yield Entry(effect, block, offset + number, number, key, place, text, whole, attributes, found)


_Pairs = list[tuple[Entry, Rule]]


def _settle(entries: Sequence[Entry]) -> dict[Rule, list[Container]]:
    """Finds the rules that may contain each rule, and refuses rules whose denied patterns match others' topics."""
    blocks = {entry.block_index: entry.block for entry in entries}
    by_action: dict[Action, _Pairs] = {}
    for entry in entries:
        if entry.effect == "Allow" and entry.key != "connect":
            for rule in entry.rules:
                by_action.setdefault(rule.action, []).append((entry, rule))
    containers: dict[Rule, list[Container]] = {}
    denying: list[tuple[Entry, Rule, _Pairs]] = []
    for pairs in by_action.values():
        wild = [(entry, rule) for entry, rule in pairs if PLUS in rule.levels or HASH in rule.levels]
        for entry, outer in wild:
            for _, inner in pairs:
                if inner is not outer and _may_contain(outer, inner):
                    containers.setdefault(inner, []).append(Container(entry.block_index, outer))
        denying += [
            (entry, rule, pairs)
            for entry, rule in wild
            if rule.denied and not _always_contained(entry, rule, containers.get(rule, ()), blocks)
        ]
    # Denials of $… first: widen does not remove them, so an error about another denial would give useless advice.
    for reserved in (True, False):
        for entry, rule, pairs in denying:
            _refuse_cuts(entry, rule, pairs, reserved=reserved)
    return containers


def _may_contain(outer: Rule, inner: Rule) -> bool:
    """Whether only the outer may contain the inner: rules that contain each other have equal text and merge."""
    return contains(outer.levels, inner.levels, could_be_equal) and not contains(
        inner.levels, outer.levels, could_be_equal
    )


def _always_contained(
    entry: Entry, rule: Rule, containers: Iterable[Container], blocks: Mapping[int, Grant | Deny]
) -> bool:
    """Whether a rule that always applies together with this one contains it for every principal."""
    return any(
        contains(container.levels, rule.levels)
        and set(container.names) <= set(rule.names)
        and (block == entry.block_index or blocks[block].when is None)
        for block, container in containers
    )


def _refuse_cuts(entry: Entry, rule: Rule, others: _Pairs, *, reserved: bool) -> None:
    """Refuses an entry whose denials would cut into another one: those of `$…`, or those of deeper levels."""
    globs = [glob for glob in rule.denied_globs if (glob[lead(rule.levels)] == "$*") == reserved]
    for other, inner in others:
        if inner is rule or contains(rule.levels, inner.levels) or contains(inner.levels, rule.levels):
            continue
        if any(cuts(glob, inner.levels) for glob in globs):
            message = f"{quoted(entry.text)} needs a denial that would also deny {other}"
            advice = _NAME_FIRST if reserved else _NAME_LEVELS.format(block=entry.block_name)
            raise InvalidTopics(entry.location, f"{message}: {advice}")


_NAME_FIRST = (
    "a leading wildcard does not reach what starts with $, such as $aws/… and $share/…: name the first level; "
    "widen does not help here"
)
_NAME_LEVELS = "name the levels, or set widen = true in {block}, which allows deeper levels too"
