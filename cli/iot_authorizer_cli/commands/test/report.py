"""Reports of tests: for people, as TAP, and as JUnit XML.

TAP is version 14 (testanything.org); `#` and a backslash have a meaning in it and are escaped. JUnit XML has no schema
of its own: this is what GitHub actions, GitLab, Jenkins and Azure DevOps read, without times.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from iot_policies.errors import printable


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    place: str
    """The file and the line, as in `policies/chat.test.toml:12`."""
    name: str
    problem: str = ""
    """Why it failed; empty if it passed."""
    details: tuple[str, ...] = ()
    """The reasons, or what to do."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The checks of one file."""

    name: str
    checks: tuple[Check, ...]
    passed: str
    """What the checks that pass have done, such as `passed`."""
    failed: str

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.problem)


def as_text(suites: Sequence[Suite], notes: Sequence[str]) -> Iterator[str]:
    """The failures and the count of each suite, then the notes, as lines."""
    for suite in suites:
        for check in suite.failures:
            yield f"{check.place}: {check.name}: {check.problem}"
            yield from (f"  {detail}" for detail in check.details)
        failures = len(suite.failures)
        counts = (f"{failures} {suite.failed}" if failures else "", f"{len(suite.checks) - failures} {suite.passed}")
        yield f"{suite.name}: {', '.join(filter(None, counts))}"
    yield from notes


def as_tap(suites: Sequence[Suite], notes: Sequence[str]) -> Iterator[str]:
    """The checks as lines of TAP; reasons and notes are comments."""
    checks = [check for suite in suites for check in suite.checks]
    yield "TAP version 14"
    yield f"1..{len(checks)}"
    for number, check in enumerate(checks, start=1):
        name = f"{check.place}: {check.name}".replace("\\", "\\\\").replace("#", "\\#")
        yield f"{'not ok' if check.problem else 'ok'} {number} - {name}"
        if check.problem:
            yield from (f"# {text}" for text in (check.problem, *check.details))
    yield from (f"# {note}" for note in notes)


def as_junit(suites: Sequence[Suite]) -> str:
    """The checks as JUnit XML."""
    root = ET.Element("testsuites")
    for suite in suites:
        element = ET.SubElement(root, "testsuite", name=printable(suite.name))
        element.attrib |= {"tests": str(len(suite.checks)), "failures": str(len(suite.failures))}
        for check in suite.checks:
            case = ET.SubElement(element, "testcase", classname=printable(suite.name), name=printable(check.name))
            case.attrib |= _place(check.place)
            if check.problem:
                failure = ET.SubElement(case, "failure", message=printable(check.problem))
                failure.text = "\n".join(printable(detail) for detail in check.details)
    ET.indent(root)
    found: str = ET.tostring(root, "unicode", xml_declaration=True)
    return found


def _place(place: str) -> dict[str, str]:
    file, _, line = place.rpartition(":")
    return {"file": printable(file), "line": line} if line.isdecimal() else {"file": printable(place)}
