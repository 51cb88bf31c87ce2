"""A principal's policy beside the template that it comes from, line by line."""

from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from iot_authorizer_cli.console.template_file import TemplateFile
from iot_policies import Deny, Grant, Policy, PolicyError, PolicyTemplate, Principal, compile_policy
from iot_policies.entries import Action, Effect, Entry
from iot_policies.explaining import conditions
from iot_policies.grants import Condition
from iot_policies.packing import ConditionBlock, Document, compact
from iot_policies.placeholders import Values


class EntryRow(TypedDict):
    """An entry of the template, and whether it says anything for a principal."""

    line: int | None
    """Where it stands, from 1; None where the file on disk is not in force."""
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


class Compiled(TypedDict):
    """What the page shows of a policy."""

    template: str
    """The template's file as it is on disk."""
    in_force: bool
    """Whether that is what the policy was compiled from. Where it is not, an older one is still in force."""
    problem: str | None
    """Why the file can't be loaded."""
    problem_line: int | None
    entries: list[EntryRow]
    statements: list[StatementRow]
    documents: list[Document]
    characters: list[int]
    """Of each document, as IoT Core counts them."""
    may_connect: bool | None
    """Whether the client ID is granted; None where there is none."""
    error: str | None
    """Why this principal gets no policy, with its reason code in front."""


def compiled(
    template: PolicyTemplate,
    principal: Principal,
    client_id: str | None,
    *,
    file: TemplateFile,
    region: str,
    account: str,
) -> Compiled:
    """Compiles a principal's policy from the template in force, and says of each entry what became of it."""
    values = Values(principal, client_id)
    lines = {entry: file.line(entry) for entry in template.entries}
    found = Compiled(
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
        found["documents"] = list(policy.documents(region=region, account=account))
    except PolicyError as error:
        found["error"] = f"{error.reason}: {error}"
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
        text=entry.text,
        effect=entry.effect,
        applies=why_not is None,
        why_not=why_not,
    )


def _why_not(entry: Entry, principal: Principal, values: Values) -> str | None:
    unmet = _unmet(entry.block, principal)
    if unmet:
        return f"needs {conditions(unmet)}"
    names = entry.rules[0].names
    try:
        missing = [name for name in names if not values.combinations((name,))]
    except PolicyError as error:
        return f"{error.reason}: {error}"
    return f"{' and '.join(missing)} is missing" if missing else None


def _unmet(block: Grant | Deny, principal: Principal) -> Mapping[str, Condition]:
    """The conditions of a grant or a denial that a principal does not meet."""
    return {
        name: wanted
        for name, wanted in (block.when or {}).items()
        if not Grant(when={name: wanted}).applies(principal.claims)
    }


def _sources(
    template: PolicyTemplate, principal: Principal, values: Values, lines: Mapping[Entry, int | None]
) -> Mapping[str, set[int]]:
    """The lines that ask for each resource. An entry that another one contains may ask for one that is not there."""
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
            resources=[ResourceRow(text=each, lines=sorted(sources.get(each, ()))) for each in resources],
        )
        if heading.condition is not None:
            row["condition"] = heading.condition
        rows.append(row)
    return rows
