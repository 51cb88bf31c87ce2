"""The grants and denies of a template that is being made, and their text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from iot_policies.entries import rules
from iot_policies.errors import ConflictingTopics
from iot_policies.grants import Deny, Grant, Key
from iot_policies.linter import LONGEST_TOPIC
from iot_policies.linter import MOST_LEVELS as MOST_TOPIC_LEVELS
from iot_policies.placeholders import PLACEHOLDER
from iot_policies.template import PolicyTemplate
from iot_policies.when import Condition

Kind = Literal["grant", "deny"]
_KEYS = ("name", "when", "connect", "connect_with", "acknowledge", "publish", "retain", "subscribe")
"""The keys of a block, in the order of its text."""


@dataclass
class Block:
    """A grant or a deny."""

    kind: Kind
    name: str
    when: Mapping[str, Condition]
    entries: dict[Key, dict[str, int]]
    """The entries of each key, with the lines of the file that they come from."""
    settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """`connect_with` and `acknowledge`."""
    comment: str = ""

    def checked(self) -> Grant | Deny:
        """The block as a template has it."""
        model = Grant if self.kind == "grant" else Deny
        return model.model_validate(self._keys())

    def remove(self, key: Key, text: str) -> int:
        """Removes an entry; gives its line of the file."""
        line = self.entries[key].pop(text)
        if not self.entries[key]:
            del self.entries[key]
        return line

    def text(self) -> Iterator[str]:
        """The lines of the block in TOML."""
        if self.comment:
            yield f"# {self.comment}"
        yield f"[[{self.kind}]]"
        keys = self._keys()
        width = max(map(len, keys))
        for key, value in keys.items():
            yield f"{key:<{width}} = {_toml(value)}"

    def _keys(self) -> dict[str, object]:
        found: dict[str, object] = {"name": self.name, "when": self.when, **self.settings}
        found |= {key: [*texts] for key, texts in self.entries.items()}
        return {key: found[key] for key in _KEYS if key in found}


def _toml(value: object) -> str:
    match value:
        case Mapping():
            return f"{{ {', '.join(f'{_key(name)} = {_toml(wanted)}' for name, wanted in value.items())} }}"
        case [_, _, *_]:
            return f"[\n{''.join(f'    {_toml(each)},{chr(10)}' for each in value)}]"
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("-", "_").isidentifier() else json.dumps(name, ensure_ascii=False)


def template_text(blocks: Iterable[Block], heading: Iterable[str]) -> str:
    """A template in TOML, with its grants first. The heading becomes comments."""
    lines = [f"# {line}".rstrip() for line in heading]
    for block in in_order(blocks):
        lines += ["", *block.text()]
    return "\n".join(lines) + "\n"


def in_order(blocks: Iterable[Block]) -> list[Block]:
    """The blocks that have entries, grants first."""
    return sorted((block for block in blocks if block.entries), key=lambda block: block.kind == "deny")


def problem_of(key: Key, text: str) -> str | None:
    """Why a grant cannot have an entry; None if it can."""
    literals = PLACEHOLDER.sub("", text)
    if literals.count("/") >= MOST_TOPIC_LEVELS or len(literals.encode()) > LONGEST_TOPIC:
        return f"IoT Core refuses topics with more than {MOST_TOPIC_LEVELS - 1} slashes or {LONGEST_TOPIC} bytes"
    try:
        rules(text, key, "Allow")
    except ValueError as error:
        return str(error)
    return None


def leave_out_conflicts(blocks: Sequence[Block]) -> Iterator[tuple[int, str]]:
    """Removes entries of grants with a denial that reaches others, until the template loads.

    Of two entries whose denials reach each other, only the first is removed. Yields the line of each, and why.
    """
    while True:
        ordered = in_order(blocks)
        entries = {place: (block, key, text) for block, place, key, text in _places(ordered)}
        try:
            PolicyTemplate.of(block.checked() for block in ordered)
        except ConflictingTopics as error:
            for place, denied, problem in error.every:
                if place in entries and denied in entries:
                    block, key, text = entries.pop(place)
                    yield block.remove(key, text), problem
        else:
            return


def _places(blocks: Sequence[Block]) -> Iterator[tuple[Block, tuple[str | int, ...], Key, str]]:
    """Each entry of the grants, with its place in the template."""
    for number, block in enumerate(block for block in blocks if block.kind == "grant"):
        for key, texts in block.entries.items():
            for index, text in enumerate(texts):
                yield block, ("grant", number, key, index), key, text
