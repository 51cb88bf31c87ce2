"""`iot-authorizer keys`: key pairs that sign tokens for IoT Core."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from iot_authorizer_cli.options import add_command, new_app
from iot_authorizer_cli.output import columns, print_list, time_text
from iot_authorizer_cli.prompts import at_terminal
from iot_authorizer_cli.signing.key_pair import KeyPair, fingerprint
from iot_authorizer_cli.signing.key_ring import BITS, CONFIG, KeyRefused, KeyRing, read_key_ring
from iot_authorizer_cli.signing.retirement import Retirement, plan_retirement
from iot_policies import InvalidFile
from iot_policies.errors import printable

Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration.")]
Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The key's name; the month, as 2026-11, unless given.")
]
Bits = Annotated[
    Literal["2048", "3072", "4096"] | None,
    typer.Option(help="The key's size; that of the key before, or 2048, unless given."),
]
_SHORT = 16
"""Hex digits of a fingerprint that tell two keys apart."""
_HEADINGS = ("name", "bits", "fingerprint", "private half", "signs", "created")


def new(name: Name = None, bits: Bits = None, config: Config = CONFIG) -> None:
    """Make an RSA key pair: the public half for IoT Core, the private one for who signs tokens.

    The public half goes to keys/NAME.pem beside the configuration, which names it under [signing]; the private one to
    keys/private/NAME.pem, for you alone and kept out of git. It is never printed.
    """
    ring = read_key_ring(config)
    _make(ring, name, bits)
    if not ring.public_files:
        typer.echo("Signing is now on. IoT Core can't turn it on for an authorizer that it has: if yours is deployed,")
        typer.echo(f"give it another name in {config}.")
    typer.echo(f"Deploy, then sign tokens with it: iot-authorizer sign{ring.option} TOKEN")


def rotate(name: Name = None, bits: Bits = None, config: Config = CONFIG) -> None:
    """Make the key that `sign` uses from now on. Those before stay valid until they are retired."""
    ring = read_key_ring(config)
    if not ring.public_files:
        raise KeyRefused(f"{config} names no key yet: iot-authorizer keys new{ring.option}")
    before = " or ".join(ring.public_files)
    _make(ring, name, bits)
    typer.echo(f"Deploy before a client brings a token that it signed; {before} stays valid. Once the last token that")
    typer.echo(f"{before} signed has ended: iot-authorizer keys retire{ring.option} {before}")


def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    config: Config = CONFIG,
) -> None:
    """Take a key out of the configuration and remove both its halves: what `keys new` made, and nothing else.

    Tokens that it signed are refused from the next deployment on, and by `dev` at once.
    """
    plan = plan_retirement(read_key_ring(config), name)
    if not yes:
        _confirm(name, plan)
    from iot_authorizer_cli.signing.changing import retire_key  # noqa: PLC0415 (it takes a while to load)

    done = retire_key(config, name)
    for file in done.files:
        typer.echo(printable(f"removed {file}"))
    for line in done.staying:
        typer.echo(printable(line))
    typer.echo(f"Deploy, and see with aws iot describe-authorizer that IoT Core has no {name} any more: until then it")
    typer.echo(f"takes what {name} signed. Where it stays, the next key of that name replaces it.")


def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, config: Config = CONFIG
) -> None:
    """Show the keys that IoT Core takes, and which of them signs: the newest whose private half is here.

    The fingerprint is the SHA-256 of the public half (SubjectPublicKeyInfo in DER).
    """
    ring = read_key_ring(config)
    active = ring.active()
    entries = [_entry(pair, signs=pair == active) for pair in ring.pairs]
    if as_json:
        typer.echo(json.dumps(entries, indent=2))
    elif not entries:
        typer.echo(f"{config} names no key yet: iot-authorizer keys new{ring.option}", err=True)
    else:
        print_list(_HEADINGS, [_row(pair, entry) for pair, entry in zip(ring.pairs, entries, strict=True)])
        for entry in entries:
            if entry["problem"] is not None:
                typer.echo(f"iot-authorizer: {entry['problem']}", err=True)


def _size(ring: KeyRing, bits: str | None) -> int:
    """The size of a new key: none is smaller than the one before unless that is wished."""
    if bits is not None:
        return int(bits)
    active = ring.active()
    least = active.read_public().key_size if active else BITS[0]
    return next((size for size in BITS if size >= least), BITS[-1])


def _make(ring: KeyRing, name: str | None, bits: str | None) -> None:
    """Makes a key, and tells its files."""
    from iot_authorizer_cli.signing.changing import make_key  # noqa: PLC0415 (it takes a while to load)

    pair = make_key(ring.config, name, _size(ring, bits))
    rows = [
        (str(pair.public_path), "the public half, for IoT Core: commit it"),
        (str(pair.private_path), "the private half, for who signs tokens: it stays out of git"),
        (str(ring.config), "names the public half under [signing]"),
    ]
    typer.echo(columns(rows))


def _confirm(name: str, plan: Retirement) -> None:
    if not at_terminal():
        raise KeyRefused(f"nobody can be asked here: --yes retires {name} without a question")
    files = " and ".join(map(str, plan.files)) or "no file"
    typer.echo(printable(f"This removes {files}. Tokens that {name} signed will be refused."))
    for line in plan.staying:
        typer.echo(printable(line))
    if not typer.confirm(f"Retire {name}?"):
        raise typer.Exit(1)


def _entry(pair: KeyPair, *, signs: bool) -> dict[str, object]:
    """A key as `--json` has it."""
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


app = new_app("keys", "Manage the key pairs that sign tokens: IoT Core gets the public halves.", "new")
add_command(app, "keys new", new, "")
add_command(app, "keys list", list_keys, "")
add_command(app, "keys rotate", rotate, "")
add_command(app, "keys retire", retire, "2026-11")
