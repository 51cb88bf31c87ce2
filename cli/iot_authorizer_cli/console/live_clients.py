"""The clients that are connected now, with the claims that the authorizer saw, for `diff --live`."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from iot_authorizer_cli.project.configuration import ProjectConfiguration
from iot_authorizer_cli.project.explanations import principal_seen
from iot_core.authorizers.invocation import Authorization
from iot_core.edge.connection import MqttConnection
from iot_core.iam.access_keys import IamPrincipal


class ConnectedClient(NamedTuple):
    """A connected client. It does not change, so another thread may read it."""

    client_id: str
    is_assigned: bool
    """Whether IoT Core assigned the client ID."""
    by: Authorization | IamPrincipal
    """The authorizer's answer, or the principal of a signed connection."""

    @classmethod
    def all_of(cls, connections: Iterable[MqttConnection]) -> list[Self]:
        """The clients among all connections, some of which are not connected yet, or not any more."""
        found = []
        for each in connections:
            authorized, client = each.authorization, each.client
            if client is not None and client.connected and authorized is not None:
                is_assigned = not authorized.connect.client_id
                found.append(cls(client.client_id, is_assigned, authorized.authorization))
        return found

    def shown(self, configuration: ProjectConfiguration) -> Mapping[str, object]:
        """The client as JSON. The claims are null if they are not known, as for a handler with rules of its own."""
        if isinstance(self.by, IamPrincipal):
            name, seen = self.by.name, None
        else:
            name, seen = self.by.call.principal or self.by.principal_id, principal_seen(configuration, self.by.call)
        return {
            "client_id": self.client_id,
            "assigned": self.is_assigned,
            "principal": name,
            "claims": None if seen is None else seen.claims,
        }
