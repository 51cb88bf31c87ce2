"""`iot-authorizer render`: the policy documents of a principal, or of each principal of a file.

A file of principals has one JSON object on each line, with `principal`, and if needed `claims` and `client_id`. Each is
answered by one line: the documents, or `{"refused": REASON}` with the reason code.
"""

from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import tell
from iot_identities.strict_json import STRICT
from iot_policies import InvalidFile, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion, account_region
from iot_policies.errors import PolicyError, UnsafeValue
from iot_policies.nearest import missing_values
from iot_policies.packing import compact
from iot_policies.placeholders import LONGEST_VALUE, UNSAFE_SIGNS, Values
from iot_policies.toml_file import read_file

_OPTIONS = {"principal": "--principal", "client_id": "--client-id"}
"""The options that placeholders come from; all others come from --claims."""
_LEVEL = f"expected a text or a whole number of at most {LONGEST_VALUE} bytes, with none of {' '.join(UNSAFE_SIGNS)}"


def render(
    policy: options.PolicyFile,
    principal: Annotated[
        str | None,
        typer.Option(
            "--principal", metavar="ID", callback=options.principal_name, help="Set the principal's name; required."
        ),
    ] = None,
    claims: options.Claims = "{}",
    client_id: options.ClientId = None,
    principals: Annotated[
        Path | None,
        typer.Option(
            "--principals",
            metavar="FILE",
            help="Render each principal of this file instead: JSON Lines with principal, claims, client_id.",
        ),
    ] = None,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
    account: options.Account = EXAMPLE_PLACE.account,
) -> None:
    """Print the policy documents of a principal.

    Prints them as one JSON list. Prints the entries that are left out because a claim is missing on standard error.
    """
    place = account_region(region, account)
    if principals is not None:
        if principal is not None or client_id is not None or claims != "{}":
            raise typer.BadParameter("give either one principal or this option", param_hint="--principals")
        _render_all(options.load_template(policy, topic_prefix), place, principals)
        return
    if principal is None:
        raise typer.BadParameter("required without --principals", param_hint="--principal")
    asked = Principal(principal, options.json_object(claims, "--claims"))
    try:
        template = options.load_template(policy, topic_prefix)
        compiled = compile_policy(template, asked, client_id)
    except PolicyError as error:
        if not error.source:
            raise
        problem = f"{error}: {_LEVEL}" if isinstance(error, UnsafeValue) else str(error)
        raise typer.BadParameter(problem, param_hint=_OPTIONS.get(error.source, "--claims")) from None
    typer.echo(compact(compiled.documents(place)))
    values = Values(asked, client_id)
    for entry in template.applicable(asked):
        if missing := missing_values(entry, values):
            tell(f"left out: {entry}: {missing}")


def _render_all(template: PolicyTemplate, place: AccountRegion, path: Path) -> None:
    for number, line in enumerate(read_file(path).splitlines(), start=1):
        if line.strip():
            principal, client_id = _principal(path, number, line)
            try:
                answer: object = compile_policy(template, principal, client_id).documents(place)
            except PolicyError as error:
                answer = {"refused": error.reason}
            typer.echo(compact(answer))


def _principal(path: Path, number: int, line: bytes) -> tuple[Principal, str | None]:
    """Reads one line of a file of principals. Raises InvalidFile."""
    try:
        found = STRICT.decode(line.decode())
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found.keys() <= {"principal", "claims", "client_id"}:
        name, claims, client_id = found.get("principal"), found.get("claims", {}), found.get("client_id")
        if isinstance(name, str) and isinstance(claims, dict) and (client_id is None or isinstance(client_id, str)):
            return Principal(name, claims), client_id
    expected = 'expected a JSON object with principal, claims and client_id, as in {"principal": "ann", "claims": {}}'
    raise InvalidFile(path, number, "", expected)
