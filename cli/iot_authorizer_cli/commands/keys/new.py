"""`iot-authorizer keys new` and `rotate`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from iot_authorizer_cli.options import CONFIG, Config
from iot_authorizer_cli.output import columns
from iot_authorizer_cli.signing.key_ring import KeyRefused, read_key_ring

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The key's name; default: the month, such as 2026-11.")
]
Bits = Annotated[Literal["2048", "3072", "4096"], typer.Option(help="Make an RSA key of this size.")]


def new(name: Name = None, bits: Bits = "2048", config: Config = CONFIG) -> None:
    """Make an RSA key pair that signs tokens.

    The public half goes to keys/NAME.pem beside the configuration, which names it under [signing]. The private half
    goes to keys/private/NAME.pem; only you can read it, and git ignores it. It is never printed.
    """
    ring = read_key_ring(config)
    _make(config, name, bits)
    if not ring.public_files:
        typer.echo("Signing is now on. IoT Core cannot turn it on for an existing authorizer: if yours is deployed,")
        typer.echo(f"give it another name in {config}.")
    typer.echo(f"Deploy, then sign tokens: iot-authorizer sign{ring.option} TOKEN")


def rotate(name: Name = None, bits: Bits = "2048", config: Config = CONFIG) -> None:
    """Make a new key, which `sign` uses from now on.

    The previous keys stay valid until you retire them.
    """
    ring = read_key_ring(config)
    if not ring.public_files:
        raise KeyRefused(f"{config} has no key yet: run iot-authorizer keys new{ring.option}")
    before = " or ".join(ring.public_files)
    _make(config, name, bits)
    typer.echo(f"Deploy before a client uses a token that the new key signed; {before} stays valid. After the last")
    typer.echo(f"token that {before} signed expired: iot-authorizer keys retire{ring.option} {before}")


def _make(config: Path, name: str | None, bits: str) -> None:
    """Makes a key, and prints its files."""
    from iot_authorizer_cli.signing.changing import make_key  # noqa: PLC0415 (it takes a while to load)

    pair = make_key(config, name, int(bits))
    rows = [
        (str(pair.public_path), "the public half, for IoT Core: commit it"),
        (str(pair.private_path), "the private half, for the service that signs tokens: git ignores it"),
        (str(config), "names the public half under [signing]"),
    ]
    typer.echo(columns(rows))
