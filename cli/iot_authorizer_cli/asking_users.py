"""Asks a question about each known user, for `diff` and `who-can`, and counts the answers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

import typer

from iot_authorizer_cli.progress import progress
from iot_authorizer_cli.project.identity_table import TableOptions
from iot_authorizer_cli.project.known_users import BrokenLine, KnownUser, lines_of, users_of_lines, users_of_table
from iot_authorizer_cli.terminal import count, warn
from iot_policies import Principal

Answer = TypeVar("Answer")

UsersOf = Annotated[
    str | None,
    typer.Option(
        "--users",
        metavar="FILE",
        help='Ask about the users of this file, each line a JSON object such as {"principal": "ann", "claims": {}}; '
        "- reads standard input; `table` reads the table of users, that of --table or --data.",
    ),
]
_TABLE = "table"


@dataclass(slots=True)
class Answers(Generic[Answer]):
    """The answers about all users."""

    found: list[tuple[str, Answer]] = field(default_factory=list)
    """The users with an answer, by name."""
    total: int = 0
    """How many users there are."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many were not asked about because the authorizer refuses them: disabled, expired, revoked or malformed."""
    broken: int = 0
    """How many lines of the file are not users."""

    def summary(self, verb: str) -> str:
        """The counts, in words."""
        parts = [f"{number:,} {standing}" for standing, number in sorted(self.left_out.items())]
        parts += [f"{count(self.broken, 'line')} not understood"] if self.broken else []
        rest = f" ({', '.join(parts)})" if parts else ""
        return f"{verb}: {len(self.found):,} of {count(self.total, 'user')}{rest}"

    def as_json(self, of: Callable[[Answer], Mapping[str, object]]) -> Mapping[str, object]:
        """The answers and counts for JSON."""
        return {
            "total": self.total,
            **{each: self.left_out[each] for each in ("disabled", "expired", "revoked", "malformed")},
            "broken_lines": self.broken,
            "found": [{"principal": name, **of(answer)} for name, answer in self.found],
        }


def ask_users(users: str, where: TableOptions, question: Callable[[Principal], Answer | None]) -> Answers[Answer]:
    """Asks about each user of a file, or of the table. None is no answer. A broken line is printed, and counted.

    Raises InvalidFile, TableUnavailable, and a usage error if the table does not exist.
    """
    asked = Answers[Answer]()
    found: Iterable[KnownUser | BrokenLine]
    if users == _TABLE:
        total, found = None, users_of_table(where.open())
    else:
        lines = lines_of(users)
        total, found = len(lines), users_of_lines(lines)
    with progress("users", total) as tell:
        for number, each in enumerate(found, 1):
            if isinstance(each, BrokenLine):
                warn(f"{users}:{each.number}: {each.problem}")
                asked.broken += 1
                continue
            asked.total += 1
            if each.standing != "accepted":
                asked.left_out[each.standing] += 1
            elif (answer := question(each.principal)) is not None:
                asked.found.append((each.principal.name, answer))
            if number % 100 == 0:
                tell(number)
    asked.found.sort(key=lambda pair: pair[0])
    return asked
