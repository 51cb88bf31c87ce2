"""The text of a template, as the page shows it: with the line of each entry, and of what is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.entries import Entry
from iot_policies.toml_file import line_of, read_file
from iot_policies.topics import TO


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A text, and the template whose entries are looked for in it."""

    text: str
    template: PolicyTemplate | None
    """For a file the template in force, for an edit its own one; None for an edit that cannot be loaded."""
    is_source: bool
    """Whether the text says what the template says, so that entries can be found in it."""
    problem: str | None = None
    """Why the text cannot be loaded, without its file and line."""
    problem_line: int | None = None
    """The line of the problem, from 1."""

    @classmethod
    def saved(cls, path: Path, template: PolicyTemplate) -> Self:
        """Reads a file, and compares it with the template in force."""
        text = ""
        try:
            content = read_file(path)
            text = _with_newlines(content.decode("utf-8", "replace"))
            saved = PolicyTemplate.parse(content, path, template.topic_prefix)
        except InvalidFile as error:
            return cls(text, template, False, _without_place(error), error.line)
        return cls(text, template, is_source=saved.blocks == template.blocks)

    @classmethod
    def edited(cls, text: str, path: Path, topic_prefix: str) -> Self:
        """Reads an edit of a file, which `path` names in messages."""
        text = _with_newlines(text)
        try:
            return cls(text, PolicyTemplate.parse(text.encode(), path, topic_prefix), is_source=True)
        except InvalidFile as error:
            return cls(text, None, False, _without_place(error), error.line)

    def line(self, entry: Entry) -> int | None:
        """The line of an entry, also within a list of several lines; None if the text is not the template's source."""
        start = line_of(self.text, entry.location) if self.is_source else None
        if start is None:
            return None
        text = entry.text.rpartition(TO)[2]  # A direct message's receiver is often on another line.
        quoted = (f'"{text}"', f"'{text}'")
        following = enumerate(self.text.split("\n")[start - 1 :], start)
        return next((number for number, line in following if any(each in line for each in quoted)), start)


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_place(error: InvalidFile) -> str:
    """What is wrong, in the words of the error's text: the page shows it beside its line."""
    return str(InvalidFile("", None, error.key, error.expected))
