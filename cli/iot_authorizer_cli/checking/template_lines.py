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
}
SLASH = re.compile(r"/(?![^{}]*\})")
PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
UNSAFE = "/+#*?$"


class TemplateLine(NamedTuple):
    """An entry of the template."""

    kind: str
    number: int
    key: str
    at: int
    text: str
    block: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Its place, as the certificate names it."""
        return f"{self.kind}[{self.number}].{self.key}[{self.at}]"

    def levels(self, prefix: str) -> list[str]:
        """Its levels with the topic prefix."""
        levels = SLASH.split(self.text)
        start = lead_of(levels)
        if self.key == "connect" or not prefix or levels[start].startswith("$"):
            return levels
        return [*levels[:start], *prefix.split("/"), *levels[start:]]

    def patterns(self, prefix: str) -> Iterator[tuple[str, list[str], bool]]:
        """Each action, with its levels, and whether only what begins with `$` is meant."""
        plain = SLASH.split(self.text)
        for action in KEYS[self.kind, self.key]:
            skip = lead_of(plain) if action == "iot:Receive" else 0
            yield action, self.levels(prefix)[skip:], False
            if prefix and self.kind == "deny" and self.key != "connect" and plain[lead_of(plain)] in ("+", "#"):
                yield action, plain[skip:], True


def lines_of(tables: Mapping[str, Any]) -> list[TemplateLine]:
    """The entries of a template."""
    return [
        TemplateLine(kind, number, key, index, text, block)
        for kind in ("grant", "deny")
        for number, block in enumerate(tables.get(kind, []))
        for key in ("connect", "publish", "retain", "subscribe")
        for index, text in enumerate(block.get(key, []))
    ]


def lead_of(levels: Sequence[str]) -> int:
    """The index of the first level of the topic."""
    return 2 if levels[0] == "$share" and len(levels) > 2 else 0
