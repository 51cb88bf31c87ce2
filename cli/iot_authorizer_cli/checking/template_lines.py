"""The entries of a template, read from its TOML. Imports only the standard library."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

KEYS = {
    ("grant", "connect"): ("iot:Connect",),
    ("grant", "publish"): ("iot:Publish",),
    ("grant", "retain"): ("iot:Publish", "iot:RetainPublish"),
    ("grant", "subscribe"): ("iot:Subscribe", "iot:Receive"),
    ("deny", "connect"): ("iot:Connect",),
    ("deny", "publish"): ("iot:Publish",),
    ("deny", "retain"): ("iot:RetainPublish",),
    ("deny", "subscribe"): ("iot:Subscribe", "iot:Receive"),
    **{(kind, "receive"): ("iot:Receive",) for kind in ("grant", "deny")},
    **{(kind, "read"): ("iot:GetRetainedMessage",) for kind in ("grant", "deny")},
    **{(kind, "send"): ("iot:SendDirectMessage",) for kind in ("grant", "deny")},
    ("grant", ""): (),
    ("deny", ""): (),
}
"""The actions of each key. The empty key is that of a block without entries: its conditions are read all the same."""
TO = "\t"
"""Joins the receiver and the topic of a direct message in the text of an entry. As the first level, it marks one."""
SLASH = re.compile(r"/(?![^{}]*\})")
PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
UNSAFE = "/+#*?$"


class TemplateLine(NamedTuple):
    """An entry of the template."""

    kind: str
    number: int
    key: str
    at: tuple[int | str, ...]
    """Where it is within its key: its index, and for `send` that of the topic, too."""
    text: str
    block: Mapping[str, Any]

    def __hash__(self) -> int:
        return hash(self.place)  # A block cannot be hashed, and is the same for the same place.

    @property
    def block_place(self) -> str:
        """The place of its block."""
        return f"{self.kind}[{self.number}]"

    @property
    def place(self) -> str:
        """Its place, as the certificate names it."""
        at = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in self.at)
        return f"{self.kind}[{self.number}].{self.key}{at}"

    def levels(self, prefix: str) -> list[str]:
        """Its levels with the topic prefix."""
        levels = levels_of(self.text)
        start = lead_of(levels)
        if self.key == "connect" or not prefix or levels[start].startswith("$"):
            return levels
        return [*levels[:start], *prefix.split("/"), *levels[start:]]

    def patterns(self, prefix: str) -> Iterator[tuple[str, list[str], bool]]:
        """Each action, with its levels, and whether only what begins with `$` is meant."""
        plain = levels_of(self.text)
        for action in KEYS[self.kind, self.key]:
            skip = lead_of(plain) if action == "iot:Receive" else 0
            yield action, self.levels(prefix)[skip:], False
            if prefix and self.kind == "deny" and self.key != "connect" and plain[lead_of(plain)] in ("+", "#"):
                yield action, plain[skip:], True


def lines_of(tables: Mapping[str, Any]) -> list[TemplateLine]:
    """The entries of a template, and a line with an empty key for each block that has none."""
    return [
        line
        for kind in ("grant", "deny")
        for number, block in enumerate(tables.get(kind, []))
        for line in [*_entries_of(kind, number, block)] or [TemplateLine(kind, number, "", (), "", block)]
    ]


def _entries_of(kind: str, number: int, block: Mapping[str, Any]) -> Iterator[TemplateLine]:
    for key in ("connect", "publish", "retain", "subscribe", "receive", "read"):
        for index, text in enumerate(block.get(key, [])):
            yield TemplateLine(kind, number, key, (index,), text, block)
    for index, send in enumerate(block.get("send", [])):
        for at, topic in enumerate(send["topics"]):
            text = f"{send['to']}{TO}{topic}"
            yield TemplateLine(kind, number, "send", (index, "topics", at), text, block)


def levels_of(text: str) -> list[str]:
    """The levels of an entry. Those of a direct message are TO, the receiver, and the levels of the topic."""
    receiver, to, topic = text.partition(TO)
    return [TO, receiver, *SLASH.split(topic)] if to else SLASH.split(text)


def text_of(levels: Sequence[str]) -> str:
    """The text that has these levels."""
    return f"{levels[1]}{TO}{'/'.join(levels[2:])}" if levels[0] == TO else "/".join(levels)


def lead_of(levels: Sequence[str]) -> int:
    """The index of the first level of the topic."""
    return 2 if levels[0] in ("$share", TO) and len(levels) > 2 else 0


def conditions_of(block: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions of a block's `when`, by the claim's name with dots: `"*"`, or a list of values."""

    def flat(when: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        for name, wanted in when.items():
            if isinstance(wanted, dict):
                yield from flat(wanted, f"{path}{name}.")
            else:
                yield path + name, wanted if wanted == "*" or isinstance(wanted, list) else [wanted]

    return dict(flat(block.get("when", {}), ""))


def claims_of(line: TemplateLine) -> list[str]:
    """The claims that an entry's `when` and its placeholders name."""
    placeholders = [each[8:-1] for each in PLACEHOLDER.findall(line.text) if each.startswith("{claims.")]
    return [*dict.fromkeys([*conditions_of(line.block), *placeholders])]
