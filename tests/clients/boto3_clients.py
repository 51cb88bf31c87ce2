"""boto3, unmodified, with the server as its endpoint."""

import boto3
from types_boto3_iot import IoTClient
from types_boto3_iot_data import IoTDataPlaneClient

from tests.clients.server import Server

SESSION = boto3.Session("local", "local", region_name="us-east-1")
"""The server does not check the keys."""


def control_plane(server: Server, scheme: str) -> IoTClient:
    """Make a client of the control plane, over http or https."""
    url, ca = _where(server, scheme)
    return SESSION.client("iot", endpoint_url=url, verify=ca)


def data_plane(server: Server, scheme: str) -> IoTDataPlaneClient:
    """Make a client of the data plane, over http or https."""
    url, ca = _where(server, scheme)
    return SESSION.client("iot-data", endpoint_url=url, verify=ca)


def _where(server: Server, scheme: str) -> tuple[str, str | None]:
    return (server.tls_url, str(server.ca)) if scheme == "https" else (server.url, None)
