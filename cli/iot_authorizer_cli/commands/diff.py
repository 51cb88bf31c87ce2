"""`iot-authorizer diff`: what a new template opens and closes, for every principal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.asking_users import Answers, UsersOf, ask_users
from iot_authorizer_cli.dev_endpoint import DEV_TLS, OperationFailed, Unreachable
from iot_authorizer_cli.diff_wording import affected_text, change_texts, rest_text
from iot_authorizer_cli.live_clients import LiveAnswers, LiveClient, live_clients
from iot_authorizer_cli.progress import finish
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.project.template_revision import load_revision, topic_prefix_of
from iot_policies import PolicyTemplate
from iot_policies.errors import printable
from iot_policies.proofs.changed_entries import QUESTIONS, Shown
from iot_policies.proofs.diff import Affected, TemplateDiff, affected, affected_client, diffing
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.smallest_principals import Words
from iot_policies.topic_prefix import check_topic_prefix

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
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Name the affected clients among those that are connected to the dev which uses the folder of --data.",
        ),
    ] = False,
    endpoint_url: Annotated[
        str, typer.Option(metavar="URL", help="With --live: ask the dev with this TLS port.")
    ] = DEV_TLS,
    as_json: options.AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """Compare two templates for every principal.

    Prints a line for each entry that makes a difference, with the principals it is about and an example: the shortest
    topic, for a principal with the fewest claims. With --users, also prints the users that are affected; with --live,
    the clients that are connected to dev. Exits with 0 if both allow the same, with 1 if not, with 3 if no difference
    was found but not everything could be decided. (What a deployment would change in AWS is shown by deploy --dry-run.)
    """
    prefix = _prefix(old, new, topic_prefix)
    before, after = load_revision(old, prefix), load_revision(new, prefix)
    clients = _live_clients(endpoint_url, where.data) if live else None
    found = finish(f"{old} {new}", diffing(before, after))
    asked, connected = _ask(before, after, users, where, clients)
    if as_json:
        typer.echo(json.dumps(_as_json(found, asked, connected), indent=2))
    else:
        for line in (*_lines(found), *_lines_of_users(asked), *_lines_of_clients(connected)):
            typer.echo(printable(line))
    if asked is not None and asked.broken:
        raise typer.Exit(2)
    raise typer.Exit(1 if not found.is_same else 3 if found.not_covered else 0)


def _prefix(old: str, new: str, given: str | None) -> str:
    with options.usage_errors("--topic-prefix"):
        check_topic_prefix(given or "")
    return given if given is not None else topic_prefix_of(new) or topic_prefix_of(old) or ""


def _live_clients(url: str, folder: Path) -> Sequence[LiveClient]:
    """The clients of the running `dev`. Raises a usage error if it does not answer."""
    with options.usage_errors("--endpoint-url"):
        try:
            return live_clients(url, folder)
        except (Unreachable, OperationFailed) as problem:
            raise typer.TyperException(f"--live: {problem}") from None


def _ask(
    old: PolicyTemplate,
    new: PolicyTemplate,
    users: str | None,
    where: TableOptions,
    clients: Sequence[LiveClient] | None,
) -> tuple[Answers[Affected] | None, LiveAnswers[Affected] | None]:
    """Which users and live clients are affected. Raises a usage error for one about which it cannot be decided."""
    words = Words((old, new))
    try:
        return (
            None if users is None else ask_users(users, where, partial(affected, old, new, words)),
            None if clients is None else LiveAnswers(clients, partial(affected_client, old, new, words)),
        )
    except NotCovered as problem:
        raise typer.TyperException(f"not covered: {problem}") from None


def _lines(found: TemplateDiff) -> Iterator[str]:
    for each in change_texts(found):
        yield from each.lines()
    if rest := rest_text(found):
        yield rest


def _lines_of_users(asked: Answers[Affected] | None) -> Iterator[str]:
    if asked is not None:
        yield asked.summary("affected")
        yield from (f"  {name}: {affected_text(found)}" for name, found in asked.found)


def _lines_of_clients(asked: LiveAnswers[Affected] | None) -> Iterator[str]:
    if asked is not None:
        yield asked.summary("affected")
        yield from (
            f"  {client.client_id} ({client.principal}): {affected_text(found)}" for client, found in asked.found
        )


def _as_json(
    found: TemplateDiff, asked: Answers[Affected] | None, connected: LiveAnswers[Affected] | None
) -> Mapping[str, object]:
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
        **({} if connected is None else {"live": connected.as_json(_affected_as_json)}),
    }


def _shown_as_json(shown: Shown) -> Mapping[str, object]:
    return {
        "action": QUESTIONS[shown.action],
        "resource": shown.resource,
        "principal": shown.example.principal.name,
        "claims": shown.example.principal.claims,
        "client_id": shown.client_id,
        "connect_attributes": sorted(shown.attributes),
    }


def _affected_as_json(found: Affected) -> Mapping[str, object]:
    return {
        "opens": [{"action": QUESTIONS[each.action], "resource": each.resource} for each in found.opened],
        "closes": [{"action": QUESTIONS[each.action], "resource": each.resource} for each in found.closed],
        "refused_before": found.refused_before,
        "refused_after": found.refused_after,
    }
