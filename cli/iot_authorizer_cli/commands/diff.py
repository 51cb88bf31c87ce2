"""`iot-authorizer diff`: what a new template opens and closes, for every principal."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.asking_users import Answers, UsersOf, ask_users
from iot_authorizer_cli.progress import finish
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.project.template_revision import load_revision, topic_prefix_of
from iot_policies import PolicyTemplate, Principal
from iot_policies.entries import Entry
from iot_policies.errors import printable
from iot_policies.placeholders import claim_names
from iot_policies.proofs.changed_entries import QUESTIONS, ChangeLine, Shown
from iot_policies.proofs.diff import Affected, TemplateDiff, affected, diffing
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.refusals import Refusals
from iot_policies.proofs.smallest_principals import Words
from iot_policies.topic_prefix import check_topic_prefix
from iot_policies.topics import as_written
from iot_policies.when import condition_text, conditions

_OLD = "A template, or one of a git revision, such as HEAD~1:policies/chat.toml."


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_OLD, show_default=False)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The template to compare it with.", show_default=False)],
    topic_prefix: Annotated[
        str | None,
        typer.Option(
            "--topic-prefix",
            metavar="PREFIX",
            help="Put these levels in front of each topic of both; default: topic_prefix of authorizer.toml, if this "
            "names NEW or OLD.",
        ),
    ] = None,
    users: UsersOf = None,
    as_json: options.AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """Compare two templates for every principal.

    Prints a line for each entry that makes a difference, with the principals it is about and an example: the shortest
    topic, for a principal with the fewest claims. With --users, also prints the users that are affected. Exits with 0
    if both allow the same, with 1 if not, with 3 if no difference was found but not everything could be decided. (What
    a deployment would change in AWS is shown by deploy --dry-run.)
    """
    prefix = _prefix(old, new, topic_prefix)
    before, after = load_revision(old, prefix), load_revision(new, prefix)
    found = finish(f"{old} {new}", diffing(before, after))
    asked = None if users is None else _ask(before, after, users, where)
    if as_json:
        typer.echo(json.dumps(_as_json(found, asked), indent=2))
    else:
        for line in (*_lines(found), *(() if asked is None else _lines_of_users(asked))):
            typer.echo(printable(line))
    if asked is not None and asked.broken:
        raise typer.Exit(2)
    raise typer.Exit(1 if not found.is_same else 3 if found.not_covered else 0)


def _prefix(old: str, new: str, given: str | None) -> str:
    with options.usage_errors("--topic-prefix"):
        check_topic_prefix(given or "")
    return given if given is not None else topic_prefix_of(new) or topic_prefix_of(old) or ""


def _ask(old: PolicyTemplate, new: PolicyTemplate, users: str, where: TableOptions) -> Answers[Affected]:
    words = Words((old, new))

    def of(principal: Principal) -> Affected | None:
        try:
            return affected(old, new, words, principal)
        except NotCovered as problem:
            raise typer.BadParameter(str(problem), param_hint="--users") from None

    return ask_users(users, where, of)


def _lines(found: TemplateDiff) -> Iterator[str]:
    for line in found.lines:
        yield from _of_line(line)
    for each in found.refusals:
        yield from _of_refusals(each)
    for setting in found.settings:
        yield f"changes {setting.key}: {setting.old} becomes {setting.new}"
    for effect, shown in found.outside:
        yield f"{effect}, by no line above: {_example(shown)}"
    yield from (f"not covered: {text}" for text in found.not_covered)
    if not found.not_covered:
        rest = "both allow the same" if found.is_same else "everything else is the same"
        yield f"{rest} for every principal"


def _of_line(line: ChangeLine) -> Iterator[str]:
    actions = ", ".join(QUESTIONS[shown.action] for shown in line.shown)
    yield f"{line.effect:<6} {actions}: {line.entry}, {'added' if line.is_new else 'removed'}"
    yield f"         {_who(line)}"
    yield f"         example: {_example(line.shown[0])}"


def _who(line: ChangeLine) -> str:
    """The principals that a line is about."""
    unless = [f"unless {_condition(each, line.entry)}" for each in line.unless]
    return " ".join(dict.fromkeys((_if(line.entry), *unless)))


def _if(entry: Entry) -> str:
    found = _condition(entry)
    return f"if {found}" if found else "for every principal"


def _condition(entry: Entry, besides: Entry | None = None) -> str:
    """The conditions of an entry in words, with its placeholders; without those that another entry has, too."""
    when = entry.block.when or {}
    known = {} if besides is None else besides.block.when or {}
    parts = [condition_text(name, wanted) for name, wanted in when.items() if known.get(name) != wanted]
    if besides is None:
        parts += [condition_text(name, "*") for name in claim_names(entry.text) if name not in when]
    return " and ".join(parts) or conditions(when)


def _example(shown: Shown) -> str:
    principal = shown.example.principal
    claims = f" with {json.dumps(dict(principal.claims), ensure_ascii=False)}" if principal.claims else ""
    asks = f", asking for {' and '.join(sorted(shown.attributes))}" if shown.attributes else ""
    return f"{principal.name}{claims}: {QUESTIONS[shown.action]} {as_written(shown.text)}{asks}"


def _of_refusals(found: Refusals) -> Iterator[str]:
    effect = "refuses" if found.is_new else "no longer refuses"
    yield f"{effect}: {_REFUSED[found.reason].format(found.source)} ({found.reason})"
    principal = found.example.principal
    client_id = f", client ID {found.example.client_id}" if found.source == "client_id" else ""
    yield f"         example: {principal.name} with {json.dumps(dict(principal.claims))}{client_id}"


_REFUSED = {
    "ambiguous_claim": "a principal whose {} is there in two ways",
    "invalid_name": "a principal whose {} breaks the name rule",
    "unsafe_value": "a principal whose {} is not one plain level",
    "unclear_denial": "a principal whose {} a deny cannot compare",
}


def _lines_of_users(asked: Answers[Affected]) -> Iterator[str]:
    yield asked.summary("affected")
    for name, found in asked.found:
        yield f"  {name}: {_change(found)}"


def _change(found: Affected) -> str:
    if found.refused_after and not found.refused_before:
        return f"now refused ({found.refused_after})"
    parts = [] if not found.refused_before or found.refused_after else [f"no longer refused ({found.refused_before})"]
    for effect, shown in (("opens", found.opened), ("closes", found.closed)):
        parts += [f"{effect} {QUESTIONS[each.action]} {as_written(each.text)}" for each in shown]
    return "; ".join(parts) or f"refused for {found.refused_after} instead of {found.refused_before}"


def _as_json(found: TemplateDiff, asked: Answers[Affected] | None) -> Mapping[str, object]:
    return {
        "same": found.is_same and not found.not_covered,
        "lines": [
            {
                "effect": line.effect,
                "entry": str(line.entry),
                "added": line.is_new,
                "actions": [QUESTIONS[shown.action] for shown in line.shown],
                "when": line.entry.block.when,
                "unless": [{"entry": str(each), "when": each.block.when} for each in line.unless],
                "examples": [_shown_as_json(shown) for shown in line.shown],
            }
            for line in found.lines
        ],
        "refusals": [
            {
                "refuses": each.is_new,
                "reason": each.reason,
                "source": each.source,
                "principal": each.example.principal.name,
                "claims": each.example.principal.claims,
                "client_id": each.example.client_id,
            }
            for each in found.refusals
        ],
        "settings": [setting._asdict() for setting in found.settings],
        "outside": [{"effect": effect, **_shown_as_json(shown)} for effect, shown in found.outside],
        "not_covered": found.not_covered,
        **({} if asked is None else {"users": asked.as_json(_affected_as_json)}),
    }


def _shown_as_json(shown: Shown) -> Mapping[str, object]:
    return {
        "action": QUESTIONS[shown.action],
        "resource": as_written(shown.text),
        "principal": shown.example.principal.name,
        "claims": shown.example.principal.claims,
        "client_id": shown.client_id,
        "connect_attributes": sorted(shown.attributes),
    }


def _affected_as_json(found: Affected) -> Mapping[str, object]:
    return {
        "opens": [{"action": QUESTIONS[each.action], "resource": as_written(each.text)} for each in found.opened],
        "closes": [{"action": QUESTIONS[each.action], "resource": as_written(each.text)} for each in found.closed],
        "refused_before": found.refused_before,
        "refused_after": found.refused_after,
    }
