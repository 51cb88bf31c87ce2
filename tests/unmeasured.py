"""Writes `docs/reference/unmeasured.md`: the unmeasured behavior of AWS, from the tags in code and docs.

`python -m tests.unmeasured` writes it anew.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/unmeasured.md"
TAG = "unmeasured:"
_AREAS = {
    "IoT Core on this machine": ("local",),
    "Policies": ("policies",),
    "The Lambda function": ("authorizer", "identities"),
    "The construct and the command line": ("cdk", "cli"),
    "Pages": ("docs",),
}
_NEW_ITEM = re.compile(r"[-*] |\d+\. |[a-z]\. ")
_INTRODUCTION = """# Unmeasured behavior of AWS

IoT Core on your machine follows AWS's documentation, and what others measured. Where neither says what IoT Core does,
the code says what it assumes, and why, with the tag `unmeasured:`. This page lists all of these places. If you have an
AWS account and one of them matters to you, check it first.

`python -m tests.unmeasured` writes this page anew; a test compares it with the code.
"""


def ledger() -> str:
    """The page."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for area, folders in _AREAS.items():
        rows = [row for folder in folders for row in _rows(ROOT / folder)]
        if rows:
            yield f"## {area}\n\n| Unmeasured | Where |\n| --- | --- |"
            yield "\n".join(f"| {text} | `{path}` |" for text, path in rows) + "\n"


def _rows(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(each for pattern in ("*.py", "*.md") for each in folder.rglob(pattern) if each != PAGE):
        lines = path.read_text("utf-8").split("\n")
        for index, line in enumerate(lines):
            if TAG in line:
                yield _sentence(lines[index:]), path.relative_to(ROOT).as_posix()


def _sentence(lines: Sequence[str]) -> str:
    """The text that follows a tag, to the end of its item, its paragraph or its comment."""
    first, *others = lines
    is_comment = "#" in first.partition(TAG)[0]
    words = [first.partition(TAG)[2]]
    for line in others:
        text = line.strip()
        if is_comment:
            if not text.startswith("#"):
                break
            text = text.removeprefix("#").strip()
        if words[-1].endswith('"""') or not text or text == '"""' or TAG in text or _NEW_ITEM.match(text):
            break
        words.append(text)
    found = " ".join(" ".join(words).removesuffix('"""').split()).replace("|", "\\|")
    return found[0].upper() + found[1:] if found else ""


if __name__ == "__main__":
    PAGE.write_text(ledger(), "utf-8")
