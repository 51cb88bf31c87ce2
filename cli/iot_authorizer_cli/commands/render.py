"""`iot-authorizer render`: the policy documents of a principal."""

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import tell
from iot_policies import Principal, compile_policy
from iot_policies.account_region import EXAMPLE_PLACE, account_region
from iot_policies.errors import PolicyError, UnsafeValue
from iot_policies.nearest import missing_values
from iot_policies.packing import compact
from iot_policies.placeholders import LONGEST_VALUE, UNSAFE_SIGNS, Values

_OPTIONS = {"principal": "--principal", "client_id": "--client-id"}
"""The options that placeholders come from; all others come from --claims."""
_LEVEL = f"expected a text or a whole number of at most {LONGEST_VALUE} bytes, with none of {' '.join(UNSAFE_SIGNS)}"


def render(
    policy: options.PolicyFile,
    principal: options.PrincipalName,
    claims: options.Claims = "{}",
    client_id: options.ClientId = None,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
    account: options.Account = EXAMPLE_PLACE.account,
) -> None:
    """Print the policy documents of a principal.

    Prints them as one JSON list. Prints the entries that are left out because a claim is missing on standard error.
    """
    asked = Principal(principal, options.json_object(claims, "--claims"))
    try:
        template = options.load_template(policy, topic_prefix)
        compiled = compile_policy(template, asked, client_id)
    except PolicyError as error:
        if not error.source:
            raise
        problem = f"{error}: {_LEVEL}" if isinstance(error, UnsafeValue) else str(error)
        raise typer.BadParameter(problem, param_hint=_OPTIONS.get(error.source, "--claims")) from None
    typer.echo(compact(compiled.documents(account_region(region, account))))
    values = Values(asked, client_id)
    for entry in template.applicable(asked):
        if missing := missing_values(entry, values):
            tell(f"left out: {entry}: {missing}")
