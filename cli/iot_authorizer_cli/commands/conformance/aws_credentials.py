"""Finds the user's AWS credentials, as the `aws` CLI does, and sessions of a role that the user named.

Loaded only for the checks that sign, because botocore takes long to load. Of AWS, only STS is asked: whose
credentials they are, and for these sessions.
"""

import os
import re
from functools import cache, partial
from typing import Protocol, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from iot_authorizer.client_role import StsClient, local_sts_client
from iot_authorizer_cli.commands.conformance.aws_key import AwsKey
from iot_authorizer_cli.commands.conformance.wire import NotTried, RoleRefused

_TIMES = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
_REGION = re.compile(r"\.iot(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)")
_SESSION, _SECONDS = "iot-authorizer-conformance", 900


class _UsersSts(StsClient, Protocol):
    """AWS STS, which also knows whose credentials a client has."""

    def get_caller_identity(self) -> object:
        """Tells whose credentials these are. Raises ClientError, BotoCoreError."""


def users_key(host: str, role: str | None) -> AwsKey:
    """The user's access key for an endpoint; `role` is the ARN of a role for its sessions. Raises NotTried."""
    try:
        session = Session()
        credentials = session.get_credentials()
        found = None if credentials is None else credentials.get_frozen_credentials()
        if found is None or found.access_key is None or found.secret_key is None:
            raise NotTried("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        named = _REGION.search(host)
        region = named[1] if named else os.environ.get("AWS_REGION") or session.get_config_variable("region")
        if not region:
            raise NotTried("no AWS region is known: set AWS_REGION")
        client = cast("_UsersSts", session.create_client("sts", region_name=region, config=_TIMES))
        client.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        problem = f"the AWS credentials cannot be used: {_kind(error)}: check AWS_PROFILE, or sign in again"
        raise NotTried(problem) from None
    return _key(client, role, region, found.access_key, found.secret_key, found.token)


def local_key(key_id: str, secret: str, region: str, url: str, role: str) -> AwsKey:
    """The owner's key of IoT Core on this machine, whose STS is at a URL."""
    return _key(local_sts_client(url, region, key_id, secret, _TIMES), role, region, key_id, secret, None)


def _key(client: StsClient, role: str | None, region: str, *parts: str | None) -> AwsKey:
    """A key with its parts: ID, secret and session token."""
    key_id, secret, token = parts
    return AwsKey(str(key_id), str(secret), token, region, cache(partial(_assume, client, role, region)))


def _assume(client: StsClient, role: str | None, region: str, policy: str) -> AwsKey:
    """A session of the role, limited by a session policy. Raises NotTried."""
    if role is None:
        raise NotTried("no role: name one with --role that your credentials may assume and that allows iot:*")
    try:
        answer = client.assume_role(RoleArn=role, RoleSessionName=_SESSION, Policy=policy, DurationSeconds=_SECONDS)
    except (BotoCoreError, ClientError) as error:
        raise RoleRefused(_kind(error)) from None
    found = answer["Credentials"]
    return _key(client, role, region, found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def _kind(error: BotoCoreError | ClientError) -> str:
    """The code of AWS's error, or the name of another one."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
