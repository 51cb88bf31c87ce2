"""Ready-to-run programs for real clients, in which every value is quoted and encoded as it must be.

A program subscribes, publishes one message, prints what arrives, and ends: with 0, or with what went wrong. If the
message does not come back to the client, the program ends when the message is acknowledged.
"""

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
from iot_authorizer_cli.snippets.settings import ClientEndpoint, ClientSettings

__all__ = [
    "CLIENTS",
    "WITH_TLS",
    "Client",
    "ClientEndpoint",
    "ClientSettings",
    "Transport",
    "client_ids",
    "default_endpoint",
    "snippet",
    "subscribes",
]
