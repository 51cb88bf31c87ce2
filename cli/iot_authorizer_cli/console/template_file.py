"""The template's file as it is on disk, which is not always the one in force."""

from dataclasses import dataclass
from pathlib import Path

from iot_policies import InvalidFile, PolicyTemplate
from iot_policies.entries import Entry
from iot_policies.toml_file import line_of, read_file


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template's file."""

    text: str
    problem: str | None
    """Why it can't be loaded."""
    problem_line: int | None
    """The line that the problem is about, from 1."""
    in_force: bool
    """Whether it says what the template in force says, so that entries can be looked up in it."""

    @classmethod
    def read(cls, path: Path, template: PolicyTemplate) -> "TemplateFile":
        """Reads a file, and compares it with the template in force."""
        text = ""
        try:
            text = read_file(path).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
            saved = PolicyTemplate.load(path)
        except InvalidFile as error:
            return cls(text, str(error), error.line, in_force=False)
        return cls(text, None, None, in_force=saved.blocks == template.blocks)

    def line(self, entry: Entry) -> int | None:
        """The line of an entry, which may stand in a list of several lines; None where the file is not in force."""
        start = line_of(self.text, entry.location) if self.in_force else None
        if start is None:
            return None
        quoted = (f'"{entry.text}"', f"'{entry.text}'")
        following = enumerate(self.text.split("\n")[start - 1 :], start)
        return next((number for number, line in following if any(each in line for each in quoted)), start)
