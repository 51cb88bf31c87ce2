"""`iot-authorizer what-can`: what a principal can do, readable and not as policy documents."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice

import typer

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import columns, tell, warn
from iot_policies import Principal
from iot_policies.account_region import EXAMPLE_PLACE, account_region
from iot_policies.errors import printable
from iot_policies.what_can import Abilities, Ability, DeniedPart, Use
from iot_policies.what_can import what_can as abilities_of

_HEADINGS: Mapping[Use, str] = {
    "connect": "connect with the client ID",
    "publish": "publish to",
    "retain": "publish with RETAIN to",
    "subscribe": "subscribe to, and receive from",
    "receive": "receive direct messages on",
    "read": "read the retained messages of",
    "send": "send direct messages to",
}
_RARE: tuple[Use, ...] = ("receive", "read", "send")
"""Uses that are not printed if there is nothing to print."""
_ATTRIBUTES = {"LastWill": "a Will", "PersistentConnect": "a persistent session"}


def what_can(
    policy: options.PolicyFile,
    principal: options.PrincipalName,
    claims: options.Claims = "{}",
    client_id: options.ClientId = None,
    topic_prefix: options.TopicPrefix = None,
    region: options.Region = EXAMPLE_PLACE.region,
    as_json: options.AsJson = False,
) -> None:
    """Print what a principal can do.

    Prints client IDs and topics, each with the entry that grants it, and what is denied within it. Prints the entries
    that are left out because a claim is missing on standard error. Exits with 1 if the principal gets no policy.
    """
    asked = Principal(principal, options.json_object(claims, "--claims"))
    place = account_region(region, EXAMPLE_PLACE.account)
    found = abilities_of(options.load_template(policy, topic_prefix), asked, client_id, place=place)
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2))
    elif found.problem is None:
        typer.echo("\n".join(_lines(found)))
        _tell(found, client_id)
    else:
        typer.echo(printable(f"nothing: {found.problem}"))
    raise typer.Exit(0 if found.problem is None else 1)


def _lines(found: Abilities) -> Iterator[str]:
    """One section for each use; the columns of all sections are aligned."""
    sections = {
        use: [row for ability in abilities for row in _of_ability(ability)] or [("  nothing", "")]
        for use, abilities in found.by_use.items()
        if abilities or use not in _RARE
    }
    lines = iter(columns([row for rows in sections.values() for row in rows]).split("\n"))
    for use, rows in sections.items():
        if use != "connect":
            yield ""
        yield _HEADINGS[use]
        yield from islice(lines, len(rows))


def _of_ability(ability: Ability) -> Iterator[tuple[str, str]]:
    if not ability.allowed:
        yield f"  {ability.resource}", f"denied by {next(each.entry for each in ability.denied if _takes_all(each))}"
        return
    lacks = [text for name, text in _ATTRIBUTES.items() if not _may_ask_for(ability, name)]
    without = f", without {' or '.join(lacks)}" if lacks else ""
    yield f"  {ability.resource}{without}", f"by {ability.entry}"
    for part in ability.denied:
        with_these = " or ".join(text for name, text in _ATTRIBUTES.items() if name in (part.attributes or ()))
        yield f"    except {part.resource}{with_these and f', with {with_these}'}", f"by {part.entry}"


def _may_ask_for(ability: Ability, attribute: str) -> bool:
    granted = ability.entry.attributes
    return granted is None or attribute in granted


def _takes_all(part: DeniedPart) -> bool:
    return part.is_all and part.attributes is None


def _tell(found: Abilities, client_id: str | None) -> None:
    for text in found.left_out:
        tell(f"left out: {text}")
    if found.refuses_client_id:
        warn(f"the authorizer refuses the client ID {client_id}")


def _as_json(found: Abilities) -> Mapping[str, object]:
    return {
        "problem": found.problem,
        "client_id_refused": found.refuses_client_id,
        **{use: [_ability_as_json(each) for each in abilities] for use, abilities in found.by_use.items()},
        "left_out": found.left_out,
    }


def _ability_as_json(ability: Ability) -> Mapping[str, object]:
    return {
        "resource": ability.resource,
        "entry": str(ability.entry),
        "connect_with": ability.entry.attributes,
        "allowed": ability.allowed,
        "denied": [
            {"resource": each.resource, "entry": str(each.entry), "connect_with": each.attributes, "all": each.is_all}
            for each in ability.denied
        ],
    }
