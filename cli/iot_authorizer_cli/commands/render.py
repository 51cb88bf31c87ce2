"""`iot-authorizer render`: the policy of a principal, or of each principal of a file, for one of the doors of IoT Core.

A file of principals has one JSON object on each line, with `principal`, and if needed `claims` and `client_id`. Each is
answered by one line: the policy, or `{"refused": REASON}` with the reason code.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import tell
from iot_identities.strict_json import STRICT
from iot_policies import Claims, InvalidFile, InvalidTopics, PolicyTemplate, Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE, AccountRegion, account_region
from iot_policies.cognito_role import compile_cognito_role
from iot_policies.errors import PolicyError, UnsafeValue
from iot_policies.guest_identities import identity_findings
from iot_policies.nearest import missing_values
from iot_policies.packing import compact
from iot_policies.placeholders import LONGEST_VALUE, UNSAFE_SIGNS, Values
from iot_policies.session_policy import compile_session_policy
from iot_policies.toml_file import invalid_file, key_of, read_file, read_toml

_OPTIONS = {"principal": "--principal", "client_id": "--client-id"}
"""The options that placeholders come from; all others come from --claims."""
_LEVEL = f"expected a text or a whole number of at most {LONGEST_VALUE} bytes, with none of {' '.join(UNSAFE_SIGNS)}"

_Write = Callable[[PolicyTemplate, Principal, str | None], str]
"""Writes the policy of a principal with a client ID. Raises PolicyError."""


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
    target: Annotated[
        options.Rendering,
        typer.Option(
            "--as",
            metavar="TARGET",
            help="documents: for a custom authorizer. session-policy: for temporary credentials that can connect with "
            "--client-id only. cognito-role: for the role of a Cognito identity pool's guests, who all have --claims.",
        ),
    ] = options.Rendering.DOCUMENTS,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
    account: options.Account = EXAMPLE_PLACE.account,
) -> None:
    """Print the policy of a principal.

    Prints the documents of a custom authorizer as one JSON list, or the IAM policy of another TARGET as one JSON
    object. Prints on standard error the entries that are left out because a claim is missing, and for cognito-role
    those that tell guests the identity IDs of others.
    """
    place = account_region(region, account)
    if target is options.Rendering.COGNITO_ROLE:
        if principal is not None or client_id is not None or principals is not None:
            raise typer.BadParameter(
                "give no principal and no client ID: the role is for all guests", param_hint="--as"
            )
        guests, template = options.json_object(claims, "--claims"), options.load_template(policy, topic_prefix)
        typer.echo(_cognito_role(policy, template, place, guests))
        for finding in identity_findings(template, guests):
            tell(f"{key_of(finding.location)}: {finding.severity}: {finding.message}")
        return
    write = _writer(target, place)
    if principals is not None:
        if principal is not None or client_id is not None or claims != "{}":
            raise typer.BadParameter("give either one principal or this option", param_hint="--principals")
        _render_all(options.load_template(policy, topic_prefix), write, principals, target)
        return
    if principal is None:
        raise typer.BadParameter("required without --principals", param_hint="--principal")
    if client_id is None and target is options.Rendering.SESSION_POLICY:
        raise typer.BadParameter("required: a session policy is for one client ID", param_hint="--client-id")
    _render_one(options.load_template(policy, topic_prefix), write, principal, claims, client_id)


def _render_one(template: PolicyTemplate, write: _Write, name: str, claims: str, client_id: str | None) -> None:
    principal = Principal(name, options.json_object(claims, "--claims"))
    with_values = Values(principal, client_id)
    typer.echo(_checked(lambda: write(template, principal, client_id)))
    for entry in template.applicable(principal):
        if missing := missing_values(entry, with_values):
            tell(f"left out: {entry}: {missing}")


def _checked(compile_it: Callable[[], str]) -> str:
    """Turns what is wrong with a value into a usage error that names its option."""
    try:
        return compile_it()
    except PolicyError as error:
        if not error.source:
            raise
        problem = f"{error}: {_LEVEL}" if isinstance(error, UnsafeValue) else str(error)
        raise typer.BadParameter(problem, param_hint=_OPTIONS.get(error.source, "--claims")) from None


def _writer(target: options.Rendering, place: AccountRegion) -> _Write:
    if target is options.Rendering.SESSION_POLICY:
        return lambda template, principal, client_id: (
            compile_session_policy(template, principal, client_id=client_id or "", place=place).text
        )
    return lambda template, principal, client_id: compact(
        compile_policy(template, principal, client_id).documents(place)
    )


def _cognito_role(path: Path, template: PolicyTemplate, place: AccountRegion, claims: Claims) -> str:
    try:
        return _checked(lambda: compile_cognito_role(template, place, claims))
    except InvalidTopics as error:
        raise invalid_file(path, read_toml(path)[1], error.key, str(error)) from None


def _render_all(template: PolicyTemplate, write: _Write, path: Path, target: options.Rendering) -> None:
    for number, line in enumerate(read_file(path).splitlines(), start=1):
        if line.strip():
            principal, client_id = _principal(path, number, line)
            if client_id is None and target is options.Rendering.SESSION_POLICY:
                raise InvalidFile(path, number, "client_id", "missing: a session policy is for one client ID")
            try:
                typer.echo(write(template, principal, client_id))
            except PolicyError as error:
                typer.echo(compact({"refused": error.reason}))


def _principal(path: Path, number: int, line: bytes) -> tuple[Principal, str | None]:
    """Reads one line of a file of principals. Raises InvalidFile."""
    try:
        found = STRICT.decode(line.decode())
    except ValueError:
        found = None
    if isinstance(found, dict) and found.keys() <= {"principal", "claims", "client_id"}:
        name, claims, client_id = found.get("principal"), found.get("claims", {}), found.get("client_id")
        if isinstance(name, str) and isinstance(claims, dict) and (client_id is None or isinstance(client_id, str)):
            return Principal(name, claims), client_id
    expected = 'expected a JSON object with principal, claims and client_id, as in {"principal": "ann", "claims": {}}'
    raise InvalidFile(path, number, "", expected)
