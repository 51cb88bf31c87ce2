"""`iot-authorizer sign`: a token's signature for IoT Core."""

import os
from typing import Annotated

import typer

from iot_authorizer_cli.commands.keys.app import Config
from iot_authorizer_cli.prompts import standard_input
from iot_authorizer_cli.signing.key_ring import CONFIG, KeyRefused, read_key_ring

_STANDARD_INPUT = "-"


def sign(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The token; - reads it from standard input.")],
    key: Annotated[
        str | None, typer.Option(metavar="NAME", help="The key; the newest whose private half is here unless given.")
    ] = None,
    config: Config = CONFIG,
) -> None:
    """Print the signature of a token: RSA with SHA-256 (PKCS#1 v1.5) over its bytes, in base64.

    Clients send it under x-amz-customauthorizer-signature, URL-encoded in URLs and in the user name. What comes from
    standard input is signed without the line's end.
    """
    message = _standard_input() if token == _STANDARD_INPUT else os.fsencode(token)
    if not message:
        raise typer.BadParameter("expected a token", param_hint="TOKEN")
    ring = read_key_ring(config)
    pair = ring.active() if key is None else ring.find(key)
    if pair is None:
        names = ", ".join(ring.public_files)
        raise KeyRefused(
            f"there is no private half of {names} here: it belongs into keys/private"
            if names
            else f"{config} names no key yet: iot-authorizer keys new{ring.option}"
        )
    typer.echo(pair.sign(message))


def _standard_input() -> bytes:
    return standard_input("TOKEN").removesuffix(b"\n").removesuffix(b"\r")
