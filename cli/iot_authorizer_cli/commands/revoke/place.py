"""Where somebody is locked out."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from iot_authorizer_cli.commands.revoke.connections import Connections
from iot_authorizer_cli.commands.revoke.known import Known
from iot_identities.table import Table


@dataclass(frozen=True)
class Place:
    """A table and connections, and how much of what happens there is told."""

    table: Table
    table_name: str
    """The file of the table, or its name in DynamoDB."""
    known: Known
    connections: Connections
    tell: Callable[[str], None]
    """Takes what a user should know meanwhile, a line each."""
    pause: Callable[[float], None] | None
    """Waits for so many seconds; None where nobody looks for clients that came back."""
    is_new: bool = False
    """Whether the table is made now, so that no authorizer looks into it so far."""
    expected: bool = True
    """Whether somebody has to be there to be asked; else nobody there is as good as nobody connected."""
    also_sessions: bool = False
    """Whether the sessions of those who are not connected end as well."""
    clock: Callable[[], float] = time.monotonic
