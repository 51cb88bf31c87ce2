"""`iot-authorizer keys list`."""

import json

import typer

from iot_authorizer_cli.options import CONFIG, AsJson, Config
from iot_authorizer_cli.output import print_list, time_text, warn
from iot_authorizer_cli.signing.key_pair import KeyPair, fingerprint
from iot_authorizer_cli.signing.key_ring import read_key_ring
from iot_policies import InvalidFile

_SHORT = 16
"""Hex digits of a fingerprint that tell two keys apart."""
_HEADINGS = ("name", "bits", "fingerprint", "private half", "signs", "created")


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
