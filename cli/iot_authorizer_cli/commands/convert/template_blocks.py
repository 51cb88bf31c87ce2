"""The grants and denies of a template that is being made, and their text."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from iot_policies.entries import rules
from iot_policies.errors import InvalidTopics
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
    if is_out_of_reach(text):
        return f"IoT Core refuses topics with more than {MOST_TOPIC_LEVELS - 1} slashes or {LONGEST_TOPIC} bytes"
    try:
        rules(text, key, "Allow")
    except ValueError as error:
        return str(error)
    return None


def is_out_of_reach(text: str) -> bool:
    """Whether an entry matches only topics that IoT Core refuses."""
    literals = PLACEHOLDER.sub("", text)
    return literals.count("/") >= MOST_TOPIC_LEVELS or len(literals.encode()) > LONGEST_TOPIC


def leave_out_conflicts(blocks: Iterable[Block]) -> Iterator[tuple[int, str]]:
    """Removes one entry of a grant after the other, until the template loads: those with a denial that reaches others.

    Yields the line of each, and why.
    """
    blocks = [*blocks]
    while True:
        ordered = in_order(blocks)
        try:
            PolicyTemplate.of(block.checked() for block in ordered)
        except InvalidTopics as error:
            kind, number, key, index = error.key
            block = [each for each in ordered if each.kind == kind][int(number)]
            if block.kind == "deny":
                raise
            found = next(each for each in block.entries if each == key)
            text = [*block.entries[found]][int(index)]
            yield block.entries[found].pop(text), str(error)
            if not block.entries[found]:
                del block.entries[found]
        else:
            return
