"""The connections of an AWS account. Imported only where a table in AWS is named: boto3 takes long to load."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from iot_authorizer_cli.commands.revoke.connections import AS_USUAL, Ending, NotAnswered, Unreachable

if TYPE_CHECKING:
    from types_boto3_iot_data import IoTDataPlaneClient

_TIMES = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
_OWN_ENDPOINT = "AWS_ENDPOINT_URL_IOT_DATA_PLANE"
"""Where AWS's SDKs are told of another one."""


class AwsConnections:
    """Connections of an AWS account. Region and credentials come from the environment."""

    def __init__(self, endpoint_url: str | None = None, ending: Ending = AS_USUAL) -> None:
        """Without a URL, the account's own endpoint is asked for when it is first needed (DescribeEndpoint)."""
        self._endpoint_url = endpoint_url
        self._ending = ending

    def is_connected(self, client_id: str) -> bool:
        """GetConnection."""
        with _asking():
            try:
                connected = self._client.get_connection(clientId=client_id).get("connected")
            except self._client.exceptions.ResourceNotFoundException:
                return False
        if not isinstance(connected, bool):
            raise NotAnswered("GetConnection: its answer does not say whether the client is connected")
        return connected

    def end(self, client_id: str) -> bool:
        """DeleteConnection."""
        with _asking():
            try:
                self._client.delete_connection(
                    clientId=client_id,
                    cleanSession=self._ending.clean_session,
                    preventWillMessage=self._ending.no_will,
                )
            except self._client.exceptions.ResourceNotFoundException:
                return False
        return True

    @cached_property
    def _client(self) -> "IoTDataPlaneClient":
        session = boto3.session.Session()
        url = self._endpoint_url
        if url is None and _OWN_ENDPOINT not in os.environ:
            found = session.client("iot", config=_TIMES).describe_endpoint(endpointType="iot:Data-ATS")
            url = f"https://{found['endpointAddress']}"
        return session.client("iot-data", endpoint_url=url, config=_TIMES)


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise NotAnswered(f"{error.operation_name}: {error.response['Error']['Code']}") from None
    except (BotoCoreError, ValueError, RecursionError) as error:  # ValueError: an endpoint that is no URL.
        raise Unreachable(str(error)) from None
