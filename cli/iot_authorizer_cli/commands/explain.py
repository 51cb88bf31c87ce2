"""`iot-authorizer explain`: why a template allows or denies an action, for one question or for many.

Many questions are a file with one JSON object on each line, as JSON Lines has it:

    {"action": "publish", "resource": "rooms/a", "principal": "ann", "claims": {"rooms": ["a"]}, "client_id": "ann"}

- `principal`, `claims` and `client_id` may be missing: the options of the command are then used.
- Each question is answered by one line, in the order of the questions. It has the number of the question's line.
- A line that is not a question is answered by an `error`, and does not stop the others. Empty lines are skipped.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import count, read_standard_input, tell, warn
from iot_policies import PolicyTemplate, Principal
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion, account_region
from iot_policies.errors import printable
from iot_policies.explaining import QUESTION_NAMES, Explanation, Question
from iot_policies.explaining import explain as explain_template
from iot_policies.toml_file import read_file


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    action: Question
    resource: str
    principal: str | None = None
    claims: dict[str, object] | None = None
    client_id: str | None = None


def explain(
    policy: options.PolicyFile,
    action: Annotated[
        Question | None,
        typer.Argument(metavar="ACTION", show_choices=False, help=f"{QUESTION_NAMES}."),
    ] = None,
    resource: Annotated[str | None, typer.Argument(metavar="RESOURCE", help=options.RESOURCE_HELP)] = None,
    principal: Annotated[
        str | None,
        typer.Option("--principal", metavar="ID", callback=options.principal_name, help="Set the principal's name."),
    ] = None,
    claims: options.Claims = "{}",
    client_id: options.ClientId = None,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
    questions: Annotated[
        str | None,
        typer.Option(
            "--questions",
            metavar="FILE",
            help="Answer each line of this file, a JSON object with action, resource, principal, claims and client_id, "
            "by one line of JSON; - reads standard input.",
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Explain whether a template allows an action.

    Prints the entry that allows or denies it, or what is missing. Exits with 0 for allowed, with 1 for denied. With
    --questions: with 0 if all are allowed, with 2 if a line is not a question.
    """
    given = options.json_object(claims, "--claims")
    place = account_region(region, EXAMPLE_PLACE.account)
    template = options.load_template(policy, topic_prefix)
    if questions is not None:
        if action is not None:
            raise typer.BadParameter("give either ACTION and RESOURCE, or this option", param_hint="--questions")
        defaults = _Asked(action="connect", resource="", principal=principal, claims=dict(given), client_id=client_id)
        raise typer.Exit(_answer_all(template, place, questions, defaults))
    if action is None or resource is None or principal is None:
        missing = "ACTION" if action is None else "RESOURCE" if resource is None else "--principal"
        raise typer.BadParameter("required without --questions", param_hint=missing)
    asked = _Asked(action=action, resource=resource, principal=principal, claims=dict(given), client_id=client_id)
    found, refused = _answer(template, place, asked, "RESOURCE")
    if as_json:
        typer.echo(json.dumps(_as_json(asked, found, refused)))
    else:
        _print(asked, found, refused)
    raise typer.Exit(0 if found.allowed else 1)


def _answer(
    template: PolicyTemplate, place: AccountRegion, asked: _Asked, name: str
) -> tuple[Explanation, tuple[str, ...]]:
    """The explanation, and why the template refuses the client ID; nothing if it does not.

    Raises a usage error, which names the resource or the client ID, if IoT Core refuses it under every policy.
    """
    with options.usage_errors(name):
        options.check_resource(asked.action, asked.resource)
    options.client_id(asked.client_id)
    principal = Principal(asked.principal or "", asked.claims or {})
    found = explain_template(template, principal, asked.action, asked.resource, asked.client_id, place=place)
    if asked.client_id is None or asked.action == "connect":
        return found, ()
    connect = explain_template(template, principal, "connect", asked.client_id, place=place)
    return found, () if connect.allowed else connect.reasons


def _print(asked: _Asked, found: Explanation, refused: tuple[str, ...]) -> None:
    typer.echo(printable(f"{'allowed' if found.allowed else 'denied'}: {asked.action} {asked.resource}"))
    for reason in found.reasons:
        typer.echo(printable(f"  {reason}"))
    if refused:
        warn(f"the authorizer refuses the client ID {asked.client_id}: {'; '.join(refused)}")


def _as_json(asked: _Asked, found: Explanation, refused: tuple[str, ...]) -> Mapping[str, object]:
    return {
        "action": asked.action,
        "resource": asked.resource,
        "principal": asked.principal,
        "client_id": asked.client_id,
        "allowed": found.allowed,
        "reasons": found.reasons,
        "client_id_refused": refused,
    }


def _answer_all(template: PolicyTemplate, place: AccountRegion, questions: str, defaults: _Asked) -> int:
    """Prints one line for each question, and how many there are. Returns the exit code."""
    allowed = denied = broken = 0
    for number, line in _lines(questions):
        try:
            asked = _question(line, defaults)
            found, refused = _answer(template, place, asked, "resource")
        except typer.BadParameter as error:
            broken += 1
            text = ": ".join(filter(None, (str(error.param_hint or ""), error.message)))
            typer.echo(json.dumps({"line": number, "error": text}))
            continue
        allowed += found.allowed
        denied += not found.allowed
        typer.echo(json.dumps({"line": number, **_as_json(asked, found, refused)}))
    total = allowed + denied + broken
    tell(f"{count(total, 'question')}: {allowed} allowed, {denied} denied, {broken} not understood")
    return 2 if broken or not total else 1 if denied else 0


def _lines(questions: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1. Raises InvalidFile."""
    content = read_standard_input("--questions") if questions == "-" else read_file(Path(questions))
    return ((number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip())


def _question(line: bytes, defaults: _Asked) -> _Asked:
    """Reads one question. Raises a usage error that says what was expected."""
    asked = options.checked_model(options.parsed_object(line, ""), "", _Asked)
    missing = {name: getattr(defaults, name) for name in _DEFAULTED if getattr(asked, name) is None}
    asked = asked.model_copy(update=missing)
    if not asked.principal:
        raise typer.BadParameter("expected a name, here or as --principal", param_hint="principal")
    return asked


_DEFAULTED = ("principal", "claims", "client_id")
