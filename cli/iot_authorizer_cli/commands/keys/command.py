"""`iot-authorizer keys new`, `list`, `rotate` and `retire`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from iot_authorizer_cli.options import CONFIG, AsJson, Config, Yes
from iot_authorizer_cli.project.key_ring import KeyPair, KeyRefused, fingerprint, read_key_ring
from iot_authorizer_cli.terminal import columns, confirm, print_list, time_text, warn
from iot_policies import InvalidFile
from iot_policies.errors import printable

_SHORT = 16
"""Hex digits of a fingerprint that tell two keys apart."""
_CUT_OFF = {
    "passwords": "with signing, IoT Core refuses every client that signs in with a user name and a password, because "
    "it sends no signed token: give these clients an authorizer of their own, without [signing]",
    "anonymous": "with signing, IoT Core refuses every client without credentials, because it sends no signed token",
}
"""What signing does to clients without a token, by the table that allows them."""
_HEADINGS = ("name", "bits", "fingerprint", "private half", "signs", "created")

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
        typer.echo(
            "Signing is now on. IoT Core cannot turn it on for an existing authorizer: the next deployment makes"
        )
        typer.echo("one with -signed after its name, and deletes the earlier one. Clients must use the new name.")
        for table in ring.unsigned:
            warn(f"{config} has [{table}]: {_CUT_OFF[table]}")
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
    typer.echo(f"Deploy before clients send tokens that the new key signed. {before} stays valid.")
    typer.echo(
        f"When the last token that {before} signed has expired: iot-authorizer keys retire{ring.option} {before}"
    )


def _make(config: Path, name: str | None, bits: str) -> None:
    """Makes a key, and prints its files."""
    from iot_authorizer_cli.commands.keys.changing import make_key  # noqa: PLC0415 (it takes a while to load)

    pair = make_key(config, name, int(bits))
    rows = [
        (str(pair.public_path), "the public half, for IoT Core: commit it"),
        (str(pair.private_path), "the private half, for the service that signs tokens: git ignores it"),
        (str(config), "names the public half under [signing]"),
    ]
    typer.echo(columns(rows))


def list_keys(as_json: AsJson = False, config: Config = CONFIG) -> None:
    """List the keys of the configuration.

    The newest key whose private half is on this machine signs. The fingerprint is the SHA-256 of the public half
    (SubjectPublicKeyInfo in DER).
    """
    ring = read_key_ring(config)
    active = ring.active()
    entries = [_entry(pair, signs=pair == active) for pair in ring.pairs]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
    elif not entries:
        typer.echo(f"{config} has no key yet: run iot-authorizer keys new{ring.option}", err=True)
    else:
        print_list(_HEADINGS, [_row(pair, entry) for pair, entry in zip(ring.pairs, entries, strict=True)])
        for entry in entries:
            if entry["problem"] is not None:
                warn(str(entry["problem"]))


def _entry(pair: KeyPair, *, signs: bool) -> dict[str, object]:
    """A key for JSON."""
    public = pair.read_public()
    private, problem = ("here", None) if pair.has_private else ("missing", None)
    if pair.has_private:
        try:
            pair.read_private()
        except InvalidFile as error:
            private, problem = "unusable", str(error)
    return {
        "name": pair.name,
        "bits": public.key_size,
        "fingerprint": fingerprint(public),
        "public_file": str(pair.public_path),
        "private_file": str(pair.private_path) if pair.has_private else None,
        "private_half": private,
        "problem": problem,
        "signs": signs,
        "created": pair.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _row(pair: KeyPair, entry: dict[str, object]) -> tuple[str, ...]:
    found = (entry["name"], entry["bits"], str(entry["fingerprint"])[:_SHORT], entry["private_half"])
    return (*map(str, found), "yes" if entry["signs"] else "no", time_text(int(pair.created.timestamp())))


def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")],
    yes: Yes = False,
    config: Config = CONFIG,
) -> None:
    """Remove a key from the configuration, and both its halves.

    Only files that `keys new` wrote for this key are removed. Tokens that it signed are refused after the next
    deployment, and by `dev` at once.
    """
    from iot_authorizer_cli.commands.keys.changing import retirable, retire_key  # noqa: PLC0415 (it takes a while to load)

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
    typer.echo(f"Deploy now: until then, IoT Core accepts tokens that {name} signed.")
