"""`iot-authorizer who-can`: the conditions under which clients can do something, and the users that can."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, get_args

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.asking_users import Answers, UsersOf, ask_users
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.terminal import columns, tell
from iot_policies import Principal
from iot_policies.errors import printable
from iot_policies.explaining import QUESTION_NAMES, Question
from iot_policies.grants import ConnectAttribute
from iot_policies.proofs.patterns import NotCovered
from iot_policies.proofs.who_can import Grantee, Way, WhoCan
from iot_policies.proofs.who_can import who_can as who_can_of
from iot_policies.topics import as_written
from iot_policies.when import condition_text


def who_can(
    policy: options.PolicyFile,
    action: Annotated[
        Question,
        typer.Argument(
            metavar="ACTION",
            show_choices=False,
            show_default=False,
            help=f"{QUESTION_NAMES}.",
        ),
    ],
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help=options.RESOURCE_HELP, show_default=False)],
    topic_prefix: options.TopicPrefix = None,
    users: UsersOf = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="With --users: print only these users, as CSV.")] = False,
    as_json: options.AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """Print who can do something.

    Prints the conditions under which entries allow it and deny it, and an example of a principal that can. With
    --users, also prints the users that can: their policies are compiled and asked. Exits with 0 if a principal, or with
    --users a user, can; with 1 if none can; with 2 if a line of the file is not a user; with 3 if it cannot be decided.
    """
    if as_csv and (users is None or as_json):
        raise typer.BadParameter("requires --users, and excludes --json", param_hint="--csv")
    with options.usage_errors("RESOURCE"):
        options.check_resource(action, resource)
    try:
        found = who_can_of(options.load_template(policy, topic_prefix), action, resource)
        example = found.example()
    except NotCovered as problem:
        tell(f"not covered: {problem}")
        raise typer.Exit(3) from None
    asked = None if users is None else ask_users(users, where, found.grantee)
    if as_json:
        typer.echo(json.dumps(_as_json(found, example, asked), indent=2))
    elif as_csv and asked is not None:
        _write_csv(asked)
        tell(asked.summary("can"))
    else:
        for line in (*_lines(found, example), *(() if asked is None else _lines_of_users(asked))):
            typer.echo(printable(line))
    if asked is not None and asked.broken:
        raise typer.Exit(2)
    raise typer.Exit(0 if (asked.found if asked is not None else example is not None) else 1)


def _lines(found: WhoCan, example: Principal | None) -> Iterator[str]:
    shown = f"{found.question} {as_written(found.resource)}"
    if example is None:
        yield f"{shown}: no principal can"
    else:
        claims = f" with {json.dumps(dict(example.claims), ensure_ascii=False)}" if example.claims else ""
        yield f"{shown}: for example {example.name}{claims}"
    for heading, ways in (("allowed if", found.ways), ("denied if", found.denials)):
        if ways:
            yield heading
            yield from columns([(f"  {_condition(way)}", f"by {way.entry}") for way in ways]).split("\n")


def _condition(way: Way) -> str:
    """What must hold for a way, in words."""
    values = {name.removeprefix("claims."): text for name, text in way.values}
    when = way.entry.block.when or {}
    parts = [condition_text(name, wanted) for name, wanted in when.items() if wanted != "*" or name not in values]
    parts += [f"{'client ID' if name == 'client_id' else name} = {text}" for name, text in values.items()]
    for name in way.any_value:
        claim = name.removeprefix("claims.")
        if name == "client_id":
            parts.append("the client has a client ID")
        elif claim not in when:
            parts.append(condition_text(claim, "*"))
    parts += ["the client has no client ID"] if way.without_client_id else []
    text = " and ".join(parts) or "any client"
    return f"{text}{_connect_with(way)}"


def _connect_with(way: Way) -> str:
    """What a CONNECT must ask for, or must not ask for, so that the way holds."""
    attributes = way.entry.attributes
    if attributes is not None and way.entry.effect == "Deny":
        return f", asking for {' or '.join(attributes)}"
    unwanted = [each for each in get_args(ConnectAttribute) if attributes is not None and each not in attributes]
    return f", not asking for {' or '.join(unwanted)}" if unwanted else ""


def _lines_of_users(asked: Answers[Grantee]) -> Iterator[str]:
    yield asked.summary("can")
    if asked.found:
        yield from columns([(f"  {name}", *_how(found)) for name, found in asked.found]).split("\n")


def _how(found: Grantee) -> tuple[str, ...]:
    with_client_id = "" if found.client_id is None else f", with client ID {found.client_id}"
    return (f"by {found.entry}{with_client_id}",)


def _write_csv(asked: Answers[Grantee]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("principal", "client_id", "entry"))
    writer.writerows((name, found.client_id or "", found.entry) for name, found in asked.found)


def _as_json(found: WhoCan, example: Principal | None, asked: Answers[Grantee] | None) -> Mapping[str, object]:
    return {
        "action": found.question,
        "resource": as_written(found.resource),
        "possible": example is not None,
        "example": None if example is None else {"principal": example.name, "claims": example.claims},
        "allowed_if": [_way_as_json(way) for way in found.ways],
        "denied_if": [_way_as_json(way) for way in found.denials],
        **({} if asked is None else {"users": asked.as_json(Grantee._asdict)}),
    }


def _way_as_json(way: Way) -> Mapping[str, object]:
    return {
        "entry": str(way.entry),
        "when": way.entry.block.when or {},
        "values": dict(way.values),
        "any_value": way.any_value,
        "without_client_id": way.without_client_id,
        "connect_with": way.entry.attributes,
    }
