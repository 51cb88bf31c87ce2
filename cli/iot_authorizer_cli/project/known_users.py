"""The users that a question about templates is asked for: those of the table, or the lines of a file.

1. A file has one JSON object on each line, as JSON Lines has it: `{"principal": "ann", "claims": {"rooms": ["a"]}}`.
   Empty lines are skipped. A line that is no such object is reported with its number, and does not stop the others.
2. A user of the table has its name and its stored claims. If it has no password, it uses tokens, whose own claims are
   not known here.
3. A user of the table is not accepted if it is disabled, has expired, has passwords that have all expired, or if its
   item or revocation is malformed. It is revoked if its principal is; a revocation of tokens that were issued before
   some time does not count, since passwords and later tokens stay valid.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import typer
from pydantic import BaseModel, ConfigDict

from iot_authorizer_cli import options
from iot_authorizer_cli.terminal import read_standard_input
from iot_identities import revocations
from iot_identities.reading import MalformedItem
from iot_identities.table import Item, Table
from iot_identities.user import PREFIX, User, from_item
from iot_policies import Principal
from iot_policies.toml_file import read_file

Standing = Literal["accepted", "disabled", "expired", "revoked", "malformed"]
"""Whether the authorizer accepts a user's credentials, and if not, why."""


class KnownUser(NamedTuple):
    """A user, as a principal."""

    principal: Principal
    standing: Standing = "accepted"


class BrokenLine(NamedTuple):
    """A line of a file that is not a user."""

    number: int
    """From 1."""
    problem: str


_EXAMPLE = '{"principal": "ann", "claims": {"rooms": ["a"]}}'


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    principal: str
    claims: dict[str, object] = {}


def lines_of(path: str) -> Sequence[bytes]:
    """The lines of a file of users; `-` is standard input. Raises InvalidFile."""
    return (read_standard_input("--users") if path == "-" else read_file(Path(path))).splitlines()


def users_of_lines(lines: Iterable[bytes]) -> Iterator[KnownUser | BrokenLine]:
    """The users of lines with one JSON object each."""
    return (_of_line(number, line) for number, line in enumerate(lines, 1) if line.strip())


def _of_line(number: int, line: bytes) -> KnownUser | BrokenLine:
    try:
        found = options.checked_model(options.parsed_object(line, ""), "", _Line)
    except typer.BadParameter as error:
        is_object = not error.message.startswith("expected a JSON object")
        return BrokenLine(number, error.message if is_object else f"expected a JSON object, as in {_EXAMPLE}")
    if not found.principal:
        return BrokenLine(number, "principal: expected a name")
    return KnownUser(Principal(found.principal, found.claims))


def users_of_table(table: Table) -> Iterator[KnownUser]:
    """The users of a table, in no order. Raises TableUnavailable."""
    now = time.time()
    prefix = f"{revocations.PREFIX}{revocations.Kind.PRINCIPAL.value}#"
    revoked = {str(item["id"]): _standing_of_revocation(item) for item in table.items(prefix)}
    for item in table.items(PREFIX):
        yield _of_item(item, revoked, now)


def _standing_of_revocation(item: Item) -> Standing:
    """What a revocation of a principal means for its user."""
    try:
        found = revocations.from_item(item)
    except MalformedItem:
        return "malformed"
    return "revoked" if found.issued_before is None else "accepted"


def _of_item(item: Item, revoked: Mapping[str, Standing], now: float) -> KnownUser:
    name = str(item["id"]).removeprefix(PREFIX)
    try:
        user = from_item(item)
    except MalformedItem:
        return KnownUser(Principal(name), "malformed")
    return KnownUser(Principal(name, user.claims), _standing(user, revoked, now))


def _standing(user: User, revoked: Mapping[str, Standing], now: float) -> Standing:
    if user.disabled:
        return "disabled"
    has_no_valid_password = bool(user.passwords) and all(each.is_expired(now) for each in user.passwords)
    if user.is_expired(now) or has_no_valid_password:
        return "expired"
    return revoked.get(revocations.principal_id(user.name), "accepted")
