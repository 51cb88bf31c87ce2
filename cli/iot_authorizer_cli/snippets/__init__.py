"""Ready-to-run programs that connect a real client, with everything quoted and URL-encoded as it must be.

A program subscribes, publishes one message, prints what arrives, and ends by itself: with 0, or with what went wrong.
Where what it publishes does not come back, it ends once that is acknowledged.
"""

from iot_authorizer_cli.snippets.endpoint import Endpoint
from iot_authorizer_cli.snippets.programs import (
    CLIENTS,
    WITH_TLS,
    Client,
    Transport,
    client_ids,
    default_endpoint,
    snippet,
    subscribes,
)
from iot_authorizer_cli.snippets.settings import ClientSettings

__all__ = [
    "CLIENTS",
    "WITH_TLS",
    "Client",
    "ClientSettings",
    "Endpoint",
    "Transport",
    "client_ids",
    "default_endpoint",
    "snippet",
    "subscribes",
]
