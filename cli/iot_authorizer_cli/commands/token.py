"""`iot-authorizer token`: tokens of the development issuer."""

from typing import Annotated

import typer

from iot_authorizer_cli.options import Claims, DataFolder, PrincipalName, duration, json_object
from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer, ignored_claims
from iot_authorizer_cli.terminal import warn


def token(
    principal: PrincipalName,
    claims: Claims = "{}",
    expires: Annotated[
        str, typer.Option(metavar="TIME", help="Expire it after 30s, 15m, 1h or 7d; -1h: an hour ago.")
    ] = "1h",
    data: DataFolder = DATA,
) -> None:
    """Print a JWT of the development issuer. Only this machine trusts it.

    With --expires -1h, the token has expired. The authorizer allows clocks to differ by 30 s, so it accepts a token
    until 30 s after its expiry.
    """
    sign = -1 if expires.startswith("-") else 1
    lifetime = sign * duration(expires.removeprefix("-"), "--expires", "365d")
    found = json_object(claims, "--claims")
    for problem in ignored_claims(found):
        warn(f"{problem}: use --principal and --expires")
    typer.echo(DevelopmentIssuer(data).token(principal, found, lifetime))
