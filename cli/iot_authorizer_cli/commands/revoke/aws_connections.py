"""Connections of an AWS account. Imported only for a table in AWS, because boto3 takes long to load."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from iot_authorizer_cli.commands.revoke.connections import Ending
from iot_authorizer_cli.dev_endpoint import OperationFailed, Unreachable

if TYPE_CHECKING:
    from types_boto3_iot_data import IoTDataPlaneClient

_TIMES = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
_OWN_ENDPOINT = "AWS_ENDPOINT_URL_IOT_DATA_PLANE"
"""The environment variable that gives AWS's SDKs another endpoint."""


class AwsConnectionApi:
    """The operations of AWS IoT Core, by boto3. Region and credentials come from the environment."""

    def __init__(self, endpoint_url: str | None, ending: Ending) -> None:
        """Without a URL, DescribeEndpoint gives the account's own endpoint when it is first needed."""
        self._endpoint_url = endpoint_url
        self._ending = ending

    def is_connected(self, client_id: str) -> bool:
        """GetConnection."""
        with _errors():
            try:
                connected = self._client.get_connection(clientId=client_id).get("connected")
            except self._client.exceptions.ResourceNotFoundException:
                return False
        if not isinstance(connected, bool):
            raise OperationFailed("GetConnection: the answer does not say whether the client is connected")
        return connected

    def end(self, client_id: str) -> bool:
        """DeleteConnection."""
        with _errors():
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
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise OperationFailed(f"{error.operation_name}: {error.response['Error']['Code']}") from None
    except (BotoCoreError, ValueError, RecursionError) as error:  # ValueError: the endpoint is not a URL.
        raise Unreachable(str(error)) from None
