"""Asks a running `iot-authorizer dev` which clients are connected, and a question about each, for `diff --live`.

1. The console answers, so the request has its secret, from the data folder of `dev`. It goes to the TLS port.
2. A client's principal and claims are those that the authorizer saw. They are unknown for a client that connected with
   a signed URL, and for a handler whose claims the configuration does not tell; such clients are counted.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from iot_authorizer_cli.console.secret_file import authorization, known_secret
from iot_authorizer_cli.dev_endpoint import DevEndpoint, OperationFailed, trusted_dev, within
from iot_authorizer_cli.progress import progress
from iot_authorizer_cli.terminal import count
from iot_identities.strict_json import STRICT
from iot_policies import Principal

Answer = TypeVar("Answer")

_LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes."""
_PATIENCE = 30.0
"""Seconds for a complete answer."""


class LiveClient(BaseModel):
    """A connected client, as the console tells it."""

    model_config = ConfigDict(strict=True)

    client_id: str
    assigned: bool
    """Whether IoT Core assigned the client ID."""
    principal: str
    claims: dict[str, object] | None
    """None if they are unknown."""

    @property
    def seen(self) -> Principal | None:
        """The principal that the authorizer saw; None if it is unknown."""
        return None if self.claims is None else Principal(self.principal, self.claims)

    @property
    def own_client_id(self) -> str | None:
        """The client ID that the client sent; None if it sent none."""
        return None if self.assigned else self.client_id


class LiveAnswers(Generic[Answer]):
    """The answers about all connected clients."""

    def __init__(
        self, clients: Sequence[LiveClient], question: Callable[[Principal, str | None], Answer | None]
    ) -> None:
        """Asks about each client whose claims are known, with the client ID that it sent. None is no answer."""
        self.total = len(clients)
        self.unknown = 0
        """How many have unknown claims, and were not asked about."""
        self.found: list[tuple[LiveClient, Answer]] = []
        """The clients with an answer, by client ID."""
        with progress("clients", self.total) as tell:
            for number, client in enumerate(sorted(clients, key=lambda each: each.client_id), 1):
                principal = client.seen
                if principal is None:
                    self.unknown += 1
                elif (answer := question(principal, client.own_client_id)) is not None:
                    self.found.append((client, answer))
                tell(number)

    def summary(self, verb: str) -> str:
        """The counts, in words."""
        rest = f" ({self.unknown:,} with unknown claims)" if self.unknown else ""
        return f"{verb}: {len(self.found):,} of {count(self.total, 'live client')}{rest}"

    def as_json(self, of: Callable[[Answer], Mapping[str, object]]) -> Mapping[str, object]:
        """The answers and counts for JSON."""
        found = [
            {"client_id": each.client_id, "principal": each.principal, **of(answer)} for each, answer in self.found
        ]
        return {"total": self.total, "unknown_claims": self.unknown, "found": found}


class _Clients(BaseModel):
    clients: list[LiveClient]


def live_clients(url: str, folder: Path) -> Sequence[LiveClient]:
    """The clients that are connected to the `dev` with a TLS port and a data folder.

    Raises ValueError for a URL that is not one of a TLS port, InvalidFile, OSError, Unreachable and OperationFailed.
    """
    secret, trust = known_secret(folder), trusted_dev(folder)
    if secret is None or trust is None:
        advice = "start `iot-authorizer dev`, or name its data folder with --data"
        raise OperationFailed(f"{folder} has no secret of the console, so no `dev` has run with it: {advice}")
    dev = DevEndpoint(url, "expected https://HOST:PORT, the TLS port of dev", trust)
    answer = within(_PATIENCE, partial(dev.ask, "GET", "/console/clients", _LARGEST_ANSWER, authorization(secret)))
    if answer.status == 403:
        raise OperationFailed(f"{url} does not accept the console's secret in {folder}: restart `iot-authorizer dev`")
    try:
        return _Clients.model_validate(STRICT.decode(answer.content.decode())).clients
    except ValueError:
        raise OperationFailed(f"{url} answers {answer.status}, and is not iot-authorizer dev") from None
