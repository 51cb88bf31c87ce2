"""A client that was let in: by which answer, until when."""

from dataclasses import dataclass

from iot_core.authorizers.authorization import Authorization
from iot_core.authorizers.event import ConnectionRequest
from iot_core.broker.client import Origin
from iot_core.mqtt import Connect
from iot_core.permissions import Permissions


@dataclass(slots=True)
class Admission:
    """What an authorizer's answer means for one connection. Times in seconds of the connections' clock."""

    connect: Connect
    client_id: str
    """The client's own, or the one it was given."""
    origin: Origin
    request: ConnectionRequest
    """What the authorizer is asked again at a refresh."""
    connection_id: str
    """As the events say it."""
    authorization: Authorization
    permissions: Permissions
    disconnect_at: float
    refresh_at: float
    configuration: int
    """Of which configuration, counted from 0, the answer is."""

    @property
    def principal_id(self) -> str:
        """As the authorizer answered it."""
        return self.authorization.answer.principal_id
