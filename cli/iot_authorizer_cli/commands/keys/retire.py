"""`iot-authorizer keys retire`."""

from typing import Annotated

import typer

from iot_authorizer_cli.options import CONFIG, Config, Yes
from iot_authorizer_cli.prompts import confirm
from iot_authorizer_cli.signing.key_ring import read_key_ring
from iot_policies.errors import printable


def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")],
    yes: Yes = False,
    config: Config = CONFIG,
) -> None:
    """Remove a key from the configuration, and both its halves.

    Only files that `keys new` wrote for this key are removed. Tokens that it signed are refused after the next
    deployment, and by `dev` at once.
    """
    from iot_authorizer_cli.signing.changing import retirable, retire_key  # noqa: PLC0415 (it takes a while to load)

    ring = read_key_ring(config)
    files = " and ".join(map(str, retirable(ring, name))) or "no file"
    question = f"Retire {name}? This removes {files}, and tokens that {name} signed will be refused."
    confirm(question, yes=yes, no="nothing was removed")
    removed = retire_key(config, name)
    pair = ring.pair(name)
    for path in removed:
        typer.echo(printable(f"removed {path}"))
    for path in (pair.private_path, pair.public_path):
        if path not in removed and path.exists():
            typer.echo(printable(f"kept {path}: keys new did not write it for this key"))
    typer.echo(
        f"Deploy, then check with aws iot describe-authorizer that IoT Core no longer has {name}. Until then, it"
    )
    typer.echo(
        f"accepts tokens that {name} signed. If it keeps the key, make the next key with the same name, to replace it."
    )
