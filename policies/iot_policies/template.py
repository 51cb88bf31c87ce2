"""A policy template: what clients may do, written as MQTT topics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from iot_policies.actions import Effect
from iot_policies.conflicts import check_conflicts, find_containers
from iot_policies.entries import Entry, quoted, rules, with_prefix
from iot_policies.errors import InvalidFile, InvalidTopics
from iot_policies.grants import Deny, Grant, Send, SessionTable, StrictModel
from iot_policies.placeholders import claim_names
from iot_policies.planning import plan
from iot_policies.policy_plan import PolicyPlan
from iot_policies.principal import Principal
from iot_policies.session_times import SessionTimes
from iot_policies.toml_file import invalid_file, parse_toml, read_file
from iot_policies.topic_prefix import check_topic_prefix


class _File(StrictModel):
    principal: Annotated[str, Field(min_length=1)] = "sub"
    session: SessionTable = Field(default_factory=SessionTable)
    grant: tuple[Grant, ...] = ()
    deny: tuple[Deny, ...] = ()


_KEYS = {key for model in (_File, SessionTable, Grant, Send) for key in model.model_fields}


@dataclass(frozen=True, slots=True)
class PolicyTemplate(PolicyPlan):
    """Checked grants and denies: an IoT policy can express them exactly for every principal."""

    blocks: tuple[Grant | Deny, ...]
    """Grants first, then denies."""
    entries: tuple[Entry, ...]
    """All entries, in the order of the blocks."""
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
        if "policy" in tables or ("name" in tables and "grant" not in tables):
            these = "these are tests" if "test" in tables else "this is a configuration"
            raise InvalidFile(path, None, "", f"{these}: expected a policy template, which its key policy names")
        file = _File.of_file(path, text, tables, _KEYS)
        try:
            return cls.of(
                (*file.grant, *file.deny),
                principal_claim=file.principal,
                session=file.session.times(),
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
        containers = find_containers(entries)
        check_conflicts(entries, containers)
        planned = plan(entries, containers)
        denied = dict.fromkeys(
            (entry.block_index, name) for entry in entries if entry.effect == "Deny" for name in claim_names(entry.text)
        )
        return cls(
            principal_claim=principal_claim,
            session=session or SessionTimes(),
            whens=(*(("Allow", grant.when) for grant in grants), *(("Deny", deny.when) for deny in denies)),
            statements=planned,
            denied_claims=tuple(denied),
            blocks=(*grants, *denies),
            entries=entries,
            topic_prefix=topic_prefix,
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
