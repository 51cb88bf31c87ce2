"""Finds the user's AWS credentials, as the `aws` CLI does, and sessions of a role that the user named.

Loaded only for the checks that sign, because botocore takes long to load. Nothing but these sessions is asked of AWS.
"""

import os
import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey
from iot_authorizer_cli.commands.conformance.wire import NotTried

_TIMES = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
_HERE = _TIMES.merge(Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False))
"""For this machine, without the user's settings for AWS and proxies."""
_NO_PROFILE: dict[str, tuple[Any, Any, Any, Any]] = {"profile": (None, None, None, None)}
"""That no variable names a profile: AWS_PROFILE may name one that does not exist."""
_REGION = re.compile(r"\.iot(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)")
_SESSION, _SECONDS = "iot-authorizer-conformance", 900


def users_key(host: str, role: str | None) -> AwsKey:
    """The user's access key for an endpoint; `role` is the ARN of a role for its sessions. Raises NotTried."""
    try:
        session = Session()
        credentials = session.get_credentials()
        found = None if credentials is None else credentials.get_frozen_credentials()
        named = _REGION.search(host)
        region = named[1] if named else os.environ.get("AWS_REGION") or session.get_config_variable("region")
    except BotoCoreError as error:
        raise NotTried(
            f"the AWS credentials cannot be used: {type(error).__name__}: check AWS_PROFILE, or sign in again"
        ) from None
    if found is None or found.access_key is None or found.secret_key is None:
        raise NotTried("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if not region:
        raise NotTried("no AWS region is known: set AWS_REGION")
    client = cache(partial(session.create_client, "sts", region_name=region, config=_TIMES))
    return AwsKey(
        found.access_key, found.secret_key, found.token, region, cache(partial(_assume, client, role, region))
    )


def local_key(key_id: str, secret: str, region: str, url: str, role: str) -> AwsKey:
    """The owner's key of IoT Core on this machine, whose STS is at a URL."""
    client = cache(
        partial(
            Session(_NO_PROFILE).create_client,
            "sts",
            config=_HERE,
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        )
    )
    return AwsKey(key_id, secret, None, region, cache(partial(_assume, client, role, region)))


def _assume(client: Callable[[], Any], role: str | None, region: str, policy: str) -> AwsKey:
    """A session of the role, limited by a session policy. Raises NotTried."""
    if role is None:
        raise NotTried("no role: name one with --role that your credentials may assume and that allows iot:*")
    try:
        answer = client().assume_role(RoleArn=role, RoleSessionName=_SESSION, Policy=policy, DurationSeconds=_SECONDS)[
            "Credentials"
        ]
    except ClientError as error:
        raise NotTried(f"AssumeRole of the role: {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise NotTried(f"AssumeRole of the role: {type(error).__name__}") from None
    return AwsKey(
        answer["AccessKeyId"],
        answer["SecretAccessKey"],
        answer["SessionToken"],
        region,
        partial(_assume, client, role, region),
    )
