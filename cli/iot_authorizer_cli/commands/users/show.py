"""`iot-authorizer users list` and `show`. They never print a hash."""

import json
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from textwrap import indent
from typing import Annotated, NamedTuple

import typer

from iot_authorizer_cli.commands.revoke.wording import as_object, until, what
from iot_authorizer_cli.commands.users import storing
from iot_authorizer_cli.commands.users.storing import ClientIds, Name
from iot_authorizer_cli.options import AsJson
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.sorted_on_disk import SortedRows
from iot_authorizer_cli.terminal import print_lines, print_list, time_text
from iot_identities.guessing import forgotten_at
from iot_identities.reading import MalformedItem
from iot_identities.revocations import Revocation, principal_id
from iot_identities.revocations import from_item as from_revocation
from iot_identities.table import Item, Table
from iot_identities.user import PREFIX, User, from_item
from iot_policies.errors import printable

_WIDEST_CLAIMS = 60
"""Characters of claims in a list; `show` prints all."""


class State(StrEnum):
    """Whether the authorizer accepts a user."""

    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    MALFORMED = "malformed"
    """The item is not as this program writes it; the authorizer refuses the user."""


_STATES = "active, disabled, expired or malformed"


class _Row(NamedTuple):
    name: str
    state: str
    passwords: str
    valid_until: str
    claims: str


_HEADING = _Row("name", "state", "passwords", "valid until", "claims")


def list_users(
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="The beginning of the names to list.", show_default=False)
    ] = "",
    state: Annotated[
        list[State] | None, typer.Option(metavar="STATE", help=f"List only {_STATES} users; repeatable.")
    ] = None,
    as_json: AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """List users with their states and claims."""
    now = time.time()
    with SortedRows() as rows:
        for item in where.open().items(PREFIX + prefix):
            if not state or _state_of(item, now) in state:
                rows.add(str(item["id"]), [json.dumps(_as_object(item), indent=2)] if as_json else _row(item, now))
        if as_json:
            print_lines(_list_in_json(rows))
        elif not rows:
            typer.echo("no such users" if prefix or state else "no users", err=True)
        else:
            print_list(_HEADING, rows)


def _list_in_json(rows: SortedRows) -> Iterator[str]:
    """Yields the elements of a list in JSON, one after the other."""
    last = len(rows)
    yield "[" if last else "[]"
    for number, (element,) in enumerate(rows, 1):
        yield indent(element, "  ") + ("," if number < last else "\n]")


def show(
    name: Name,
    client_id: ClientIds = None,
    as_json: AsJson = False,
    *,
    where: TableOptions,
) -> None:
    """Show a user.

    Prints its claims, passwords, revocation and failures, and no hash. Failures are those of unknown client IDs, of the
    client ID that equals the user's name, and of each --client-id.
    """
    opened = where.open()
    item = storing.find_item(opened, name)
    user = storing.user_of(item, name)
    failures = _failures(opened, name, client_id or ())
    revocation = _revocation(opened, name)
    if as_json:
        counted = [{"client_id": each, "forgotten_at": end} for each, end in failures.items()]
        revoked = None if revocation is None else as_object(revocation)
        typer.echo(json.dumps({**_as_object(item), "revoked": revoked, "failures": counted}, indent=2))
        return
    lines = [
        ("name", user.name),
        ("state", _state(user, time.time())),
        ("valid until", time_text(user.valid_until)),
        ("claims", _compact(user)),
        ("created", time_text(user.created_at)),
        ("rotated", time_text(user.rotated_at)),
    ]
    for password in user.passwords:
        kind = "generated" if password.generated else "chosen"
        times = f"created {time_text(password.created_at)}, expires {time_text(password.expires_at)}"
        lines.append(("password", f"{kind}, {times}"))
    if revocation is not None:
        lines.append(("revoked", f"{what(revocation)}, until {until(revocation)}"))
    for each, end in failures.items():
        source = "by unknown client IDs" if each is None else f"with client ID {each}"
        lines.append(("failures", f"{source}, all forgotten at {time_text(end)}"))
    for label, value in lines:
        typer.echo(f"{label:<11}  {printable(value)}")


def _failures(table: Table, name: str, client_ids: Sequence[str]) -> dict[str | None, int]:
    """When failures are forgotten, by client ID; None is for unknown client IDs."""
    try:
        found = {each: forgotten_at(table, name, each) for each in dict.fromkeys((None, name, *client_ids))}
    except MalformedItem as error:
        raise storing.problem(f"the failures of {printable(name)} are malformed: {error}") from None
    return {each: end for each, end in found.items() if end is not None}


def _revocation(table: Table, name: str) -> Revocation | None:
    id = principal_id(name)
    found = table.read([id]).get(id)
    try:
        return None if found is None else from_revocation(found)
    except MalformedItem as error:
        raise storing.problem(f"the revocation of {printable(name)} is malformed: {error}") from None


def _row(item: Item, now: float) -> _Row:
    try:
        user = from_item(item)
    except MalformedItem as error:
        return _Row(_name(item), f"malformed: {error}", "", "", "")
    claims = _compact(user)
    if len(claims) > _WIDEST_CLAIMS:
        claims = claims[: _WIDEST_CLAIMS - 1] + "…"
    valid = sum(not password.is_expired(now) for password in user.passwords)
    return _Row(user.name, _state(user, now), str(valid), time_text(user.valid_until), claims)


def _state(user: User, now: float) -> State:
    if user.disabled:
        return State.DISABLED
    return State.EXPIRED if user.is_expired(now) else State.ACTIVE


def _state_of(item: Item, now: float) -> State:
    try:
        return _state(from_item(item), now)
    except MalformedItem:
        return State.MALFORMED


def _compact(user: User) -> str:
    return json.dumps(dict(user.claims), ensure_ascii=False, separators=(",", ":"))


def _name(item: Item) -> str:
    return str(item["id"]).removeprefix(PREFIX)


def _as_object(item: Item) -> dict[str, object]:
    """A user for JSON."""
    try:
        user = from_item(item)
    except MalformedItem as error:
        return {"name": _name(item), "malformed": str(error)}
    return {
        "name": user.name,
        "claims": dict(user.claims),
        "disabled": user.disabled,
        "valid_until": user.valid_until,
        "created_at": user.created_at,
        "rotated_at": user.rotated_at,
        "passwords": [
            {"created_at": each.created_at, "expires_at": each.expires_at, "generated": each.generated}
            for each in user.passwords
        ],
    }
