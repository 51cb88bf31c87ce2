"""A principal's compiled policy beside the template that it comes from, line by line.

- The policy is compiled from the template in force. The file on disk may differ: after a save that could not be
  loaded, and until a save is taken. Then lines are not known, and none is guessed.
- Each entry either applies to the principal, or the reason why not is given.
- Each resource of the policy names the lines of the template that ask for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

from iot_policies import InvalidFile, Policy, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.entries import Action, Effect, Entry
from iot_policies.nearest import missing_values, problem, unmet
from iot_policies.packing import ConditionBlock, Document, Heading, compact
from iot_policies.placeholders import Values
from iot_policies.toml_file import line_of, read_file
from iot_policies.topics import TO, as_written


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template's file as it is on disk."""

    text: str
    problem: str | None
    """Why it cannot be loaded."""
    problem_line: int | None
    """The line of the problem, from 1."""
    in_force: bool
    """Whether it equals the template in force, so that entries can be found in it."""

    @classmethod
    def read(cls, path: Path, template: PolicyTemplate) -> "TemplateFile":
        """Reads a file, and compares it with the template in force."""
        text = ""
        try:
            text = read_file(path).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
            saved = PolicyTemplate.load(path, template.topic_prefix)
        except InvalidFile as error:
            return cls(text, str(error), error.line, in_force=False)
        return cls(text, None, None, in_force=saved.blocks == template.blocks)

    def line(self, entry: Entry) -> int | None:
        """The line of an entry, also within a list of several lines; None if the file is not in force."""
        start = line_of(self.text, entry.location) if self.in_force else None
        if start is None:
            return None
        text = entry.text.rpartition(TO)[2]  # A direct message's receiver is often on another line.
        quoted = (f'"{text}"', f"'{text}'")
        following = enumerate(self.text.split("\n")[start - 1 :], start)
        return next((number for number, line in following if any(each in line for each in quoted)), start)


class EntryRow(TypedDict):
    """An entry of the template, and whether it applies to the principal."""

    line: int | None
    """Its line, from 1; None if the file on disk is not in force."""
    name: str
    """The entry as explanations name it."""
    text: str
    effect: Effect
    applies: bool
    why_not: str | None


class ResourceRow(TypedDict):
    """A resource of the compiled policy, and the lines that ask for it."""

    text: str
    lines: list[int]


class StatementRow(TypedDict):
    """A statement of the compiled policy."""

    effect: Effect
    actions: list[Action]
    resources: list[ResourceRow]
    condition: NotRequired[ConditionBlock]


class CompiledPolicy(TypedDict):
    """What the page shows of a policy."""

    template: str
    """The text of the template's file on disk."""
    in_force: bool
    """Whether the policy was compiled from this text. If not, an older one is still in force."""
    problem: str | None
    """Why the file cannot be loaded."""
    problem_line: int | None
    entries: list[EntryRow]
    statements: list[StatementRow]
    documents: list[Document]
    characters: list[int]
    """Of each document, as IoT Core counts them."""
    may_connect: bool | None
    """Whether the client ID is granted; None without a client ID."""
    error: str | None
    """Why this principal gets no policy, after its reason code."""


def compiled(
    template: PolicyTemplate,
    path: Path,
    principal: Principal,
    client_id: str | None,
    place: AccountRegion,
) -> CompiledPolicy:
    """Compiles a principal's policy from the template in force; `path` is the template's file."""
    file = TemplateFile.read(path, template)
    values = Values(principal, client_id)
    lines = {entry: file.line(entry) for entry in template.entries}
    found = CompiledPolicy(
        template=file.text,
        in_force=file.in_force,
        problem=file.problem,
        problem_line=file.problem_line,
        entries=[_entry_row(entry, lines[entry], principal, values) for entry in template.entries],
        statements=[],
        documents=[],
        characters=[],
        may_connect=None,
        error=None,
    )
    try:
        policy = compile_policy(template, principal, client_id)
        found["documents"] = list(policy.documents(place))
    except PolicyError as error:
        found["error"] = problem(error, values)
        return found
    found["characters"] = [len(compact(document)) for document in found["documents"]]
    found["may_connect"] = None if client_id is None else policy.may_connect(client_id)
    found["statements"] = _statement_rows(policy, _sources(template, principal, values, lines))
    return found


def _entry_row(entry: Entry, line: int | None, principal: Principal, values: Values) -> EntryRow:
    why_not = _why_not(entry, principal, values)
    return EntryRow(
        line=line,
        name=str(entry),
        text=as_written(entry.text),
        effect=entry.effect,
        applies=why_not is None,
        why_not=why_not,
    )


def _why_not(entry: Entry, principal: Principal, values: Values) -> str | None:
    try:
        return unmet(entry.block, principal.claims) or missing_values(entry, values)
    except PolicyError as error:
        return problem(error, values)


def _sources(
    template: PolicyTemplate, principal: Principal, values: Values, lines: Mapping[Entry, int | None]
) -> Mapping[str, set[int]]:
    """The lines that ask for each resource, also for one that the policy leaves out since another contains it."""
    sources: dict[str, set[int]] = {}
    for entry in template.applicable(principal):
        line = lines[entry]
        if line is not None and _why_not(entry, principal, values) is None:
            for resource in _resources(entry, values):
                sources.setdefault(resource, set()).add(line)
    return sources


def _resources(entry: Entry, values: Values) -> Iterator[str]:
    for rule in entry.rules:
        for combination in values.combinations(rule.names):
            for pattern in (rule.allowed, *rule.denied):
                yield pattern.format(*combination)


def _statement_rows(policy: Policy, sources: Mapping[str, set[int]]) -> list[StatementRow]:
    rows = []
    for heading, resources in policy.statements:
        row = StatementRow(
            effect=heading.effect,
            actions=list(heading.actions),
            resources=[ResourceRow(text=each, lines=_lines(each, heading, sources)) for each in resources],
        )
        if heading.condition is not None:
            row["condition"] = heading.condition
        rows.append(row)
    return rows


def _lines(resource: str, heading: Heading, sources: Mapping[str, set[int]]) -> list[int]:
    """The lines that ask for a resource; for direct messages, for one of the topics in the condition."""
    topics = (heading.condition or {}).get("StringLike", {}).get("iot:Topic")
    texts = [resource] if topics is None else [f"{resource}{TO}{topic}" for topic in topics]
    return sorted({line for text in texts for line in sources.get(text, ())})
