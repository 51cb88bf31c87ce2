"""A client that was let in: by which answer, until when."""

from dataclasses import dataclass

from local.event import ConnectionRequest
from local.gateway.authorization import Authorization
from local.gateway.permissions import Permissions
from local.mqtt import Connect


@dataclass(slots=True)
class Admission:
    """What an authorizer's answer means for one connection. Times in seconds of the hub's clock."""

    connect: Connect
    connection_id: str
    """As the events say it."""
    request: ConnectionRequest
    """What the authorizer is asked again at a refresh."""
    authorization: Authorization
    permissions: Permissions
    disconnect_at: float
    refresh_at: float
    refreshing: bool = False

    @property
    def principal_id(self) -> str:
        """As the authorizer answered it."""
        return self.authorization.answer.principal_id
