"""A principal's compiled policy beside the template that it comes from, line by line.

- The policy is compiled from the template in force, or from an edit on the page (`edits.py`).
- The file on disk may differ from the template in force: after a save that could not be loaded, and until a save is
  taken. Then lines are not known, and none is guessed. An edit that cannot be loaded has no policy.
- Each entry either applies to the principal, or the reason why not is given.
- Each resource of the policy names the lines of the template that ask for it.
"""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from iot_authorizer_cli.console.template_text import TemplateText
from iot_policies import Policy, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import AccountRegion
from iot_policies.actions import Action, Effect
from iot_policies.entries import Entry
from iot_policies.nearest import missing_values, problem, unmet
from iot_policies.packing import ConditionBlock, Document, Heading, compact
from iot_policies.placeholders import Values
from iot_policies.topics import TO, as_written


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
    """The text of the template's file on disk, or of the edit."""
    is_source: bool
    """Whether the policy was compiled from this text. If not, an older one is still in force."""
    problem: str | None
    """Why the text cannot be loaded."""
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


def compiled(source: TemplateText, principal: Principal, client_id: str | None, place: AccountRegion) -> CompiledPolicy:
    """Compiles a principal's policy from the template of a text."""
    template = source.template
    values = Values(principal, client_id)
    lines = {entry: source.line(entry) for entry in template.entries} if template else {}
    found = CompiledPolicy(
        template=source.text,
        is_source=source.is_source,
        problem=source.problem,
        problem_line=source.problem_line,
        entries=[_entry_row(entry, line, principal, values) for entry, line in lines.items()],
        statements=[],
        documents=[],
        characters=[],
        may_connect=None,
        error=None,
    )
    if template is None:
        return found
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
