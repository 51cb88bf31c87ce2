"""`iot-authorizer sign`: a token's signature for IoT Core."""

import os
from typing import Annotated

import typer

from iot_authorizer_cli.options import CONFIG, Config
from iot_authorizer_cli.project.key_ring import KeyRefused, read_key_ring
from iot_authorizer_cli.terminal import read_standard_input

_STANDARD_INPUT = "-"


def sign(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The token; - reads it from standard input.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Sign with this key; default: the key that `keys list` says signs."),
    ] = None,
    config: Config = CONFIG,
) -> None:
    """Print the signature of a token for IoT Core.

    The signature is RSA with SHA-256 (PKCS#1 v1.5) over the token's bytes, in base64. Clients send it as
    x-amz-customauthorizer-signature, URL-encoded in URLs and in the user name. The line end of standard input is not
    signed.
    """
    message = _standard_input() if token == _STANDARD_INPUT else os.fsencode(token)
    if not message:
        raise typer.BadParameter("expected a token", param_hint="TOKEN")
    ring = read_key_ring(config)
    pair = ring.active() if key is None else ring.find(key)
    if pair is None:
        names = ", ".join(ring.public_files)
        raise KeyRefused(
            f"the private half of {names} is not on this machine: expected it in keys/private"
            if names
            else f"{config} has no key yet: run iot-authorizer keys new{ring.option}"
        )
    typer.echo(pair.sign(message))


def _standard_input() -> bytes:
    return read_standard_input("TOKEN").removesuffix(b"\n").removesuffix(b"\r")
