"""Writes `docs/reference/unmeasured.md`, the ledger of AWS's unmeasured behavior, from the tags in code and docs.

A tag is where the code relies on the behavior:

    unmeasured (SOURCE; check NAME): what is unmeasured (assumed: what the code assumes).

- SOURCE is `documented …` or `reported …` with its link and date. Without it, the behavior is assumed.
- NAME is a check of `iot-authorizer conformance` that finds it out; `checks A, B` for several. A test says that each
  exists. Both parts may be missing, and with both the parentheses.

`python -m tests.unmeasured` writes the page anew.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/unmeasured.md"
_TAG = re.compile(r"unmeasured(?: \(([^)]*)\))?: ?")
_OPEN = re.compile(r"unmeasured \([^)]*$")
"""A tag that goes on in the next line."""
_CHECKS = re.compile(r"checks? (.*)")
_AREAS = {
    "IoT Core on this machine": ("local",),
    "Policies": ("policies",),
    "The Lambda function": ("authorizer", "identities"),
    "The construct and the command line": ("cdk", "cli"),
    "Pages": ("docs",),
}
_NEW_ITEM = re.compile(r"[-*] |\d+\. |[a-z]\. ")
_INTRODUCTION = """# Unmeasured behavior of AWS

**Nothing on this page was compared with AWS yet.** IoT Core on your machine follows AWS's documentation. Where that
does not say word for word what AWS does, the code has the tag `unmeasured:`. This page lists all of these places, with

- the source: documented (for something else, or in part), reported by others (with link and date), or assumed;
- the file that relies on it;
- the check of [`iot-authorizer conformance`](../how-to/compare-with-your-account.md) that finds it out, if you have an
  AWS account: `iot-authorizer conformance checks --endpoint HOST --check NAME`.

"""
_END = """
`python -m tests.unmeasured` writes this page anew; a test compares it with the code.
"""


class Entry(NamedTuple):
    """A behavior of AWS that the code relies on."""

    text: str
    source: str
    """`documented …`, `reported …` or `assumed`."""
    checks: tuple[str, ...]
    path: str
    """The file, from the repository's root."""

    @property
    def kind(self) -> str:
        """The first word of the source."""
        return self.source.partition(" ")[0].rstrip(",")


def ledger() -> str:
    """The page."""
    areas = {area: list(_entries(folders)) for area, folders in _AREAS.items()}
    every = [entry for entries in areas.values() for entry in entries]
    return "\n".join([_INTRODUCTION + _summary(every) + _END, *map(_section, areas, areas.values())])


def entries() -> Sequence[Entry]:
    """All entries of the ledger."""
    return [entry for folders in _AREAS.values() for entry in _entries(folders)]


def _summary(every: Sequence[Entry]) -> str:
    kinds = Counter(each.kind for each in every)
    uncovered = sum(not each.checks for each in every)
    counted = ", ".join(f"{kinds[kind]} {kind}" for kind in ("documented", "reported", "assumed"))
    covered = f"{len(every) - uncovered} have a check, **{uncovered} have none**"
    return f"{len(every)} behaviors: {counted}. Of them, {covered}.\n"


def _section(area: str, found: Sequence[Entry]) -> str:
    head = f"## {area}\n\n| Unmeasured | Source | Where | Check |\n| --- | --- | --- | --- |\n"
    rows = (f"| {each.text} | {each.source} | `{each.path}` | {_named(each.checks)} |\n" for each in found)
    return head + "".join(rows)


def _named(checks: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in checks) or "none"


def _entries(folders: Sequence[str]) -> Iterator[Entry]:
    paths = [path for folder in folders for pattern in ("*.py", "*.md") for path in (ROOT / folder).rglob(pattern)]
    for path in sorted(set(paths) - {PAGE}):
        lines = path.read_text("utf-8").split("\n")
        for index, line in enumerate(lines):
            if _TAG.search(line) or _OPEN.search(line):
                yield _entry(_item(lines[index:]), path.relative_to(ROOT).as_posix())


def _item(lines: Sequence[str]) -> str:
    """The text from a tag to the end of its item, its paragraph or its comment."""
    first, *others = lines
    start = first.index("unmeasured")
    is_comment = "#" in first[:start]
    words = [first[start:].strip()]
    for line in others:
        text = line.strip()
        if is_comment:
            if not text.startswith("#"):
                break
            text = text.removeprefix("#").strip()
        ended = words[-1].endswith('"""') or not text or text == '"""'
        if ended or text.startswith("unmeasured") or _NEW_ITEM.match(text):
            break
        words.append(text)
    return " ".join(" ".join(words).removesuffix('"""').split())


def _entry(item: str, path: str) -> Entry:
    tag = _TAG.match(item)
    if tag is None:
        raise ValueError(f"{path}: not closed: {item}")
    source, checks = "assumed", ()
    for part in (tag[1] or "").split("; "):
        if named := _CHECKS.fullmatch(part):
            checks = tuple(named[1].split(", "))
        elif part:
            source = part
    text = item[tag.end() :].replace("|", "\\|")
    return Entry(text[:1].upper() + text[1:], source, checks, path)


if __name__ == "__main__":
    PAGE.write_text(ledger(), "utf-8")
