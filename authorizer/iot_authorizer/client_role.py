"""The client role at AWS STS. Imported only by the credentials endpoint: botocore takes longer to load than the rest.

A request takes at most 1.7 seconds, and is sent again once, after at most a second. So a client that waits for an
answer gets one within 5 seconds.
"""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypedDict, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.temporary_credentials import RoleSessionKeys
from iot_identities.service_data import quick_session

for _name in ("botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)  # At DEBUG they log answers of AWS, which have secret keys.

CLIENT_CONFIG = Config(connect_timeout=0.7, read_timeout=1.0, retries={"total_max_attempts": 2, "mode": "standard"})
_HERE = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
"""For AWS STS of this machine, without the user's settings for AWS and proxies."""
_NO_PROFILE: dict[str, tuple[Any, Any, Any, Any]] = {"profile": (None, None, None, None)}
"""That no variable names a profile: AWS_PROFILE may name one that does not exist."""


class _Keys(TypedDict):
    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: datetime


class _Answer(TypedDict):
    Credentials: _Keys


class StsClient(Protocol):
    """The part of botocore's client of AWS STS that is used here."""

    def assume_role(self, *, RoleArn: str, RoleSessionName: str, Policy: str, DurationSeconds: int) -> _Answer:  # noqa: N803 (boto3)
        """Gives a session of a role. Raises ClientError, BotoCoreError."""
        ...


class StsRole:
    """A role that AWS STS gives to this function."""

    def __init__(self, arn: str, endpoint: str, client: StsClient | None = None) -> None:
        """`endpoint` is IoT Core's host name for clients. Region and credentials of the client are the function's."""
        self.endpoint = endpoint
        """IoT Core's host name for clients."""
        self._arn = arn
        self._client = client or sts_client()

    def assume(self, name: str, policy: str, seconds: int) -> RoleSessionKeys:
        """A session with a name, limited by a session policy. Raises Refusal."""
        try:
            found = self._client.assume_role(
                RoleArn=self._arn, RoleSessionName=name, Policy=policy, DurationSeconds=seconds
            )["Credentials"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            reason = Reason.SESSION_POLICY_TOO_LARGE if code == "PackedPolicyTooLarge" else Reason.STS_UNAVAILABLE
            raise Refusal(reason, code) from None
        except (BotoCoreError, ResponseParserError) as error:
            raise Refusal(Reason.STS_UNAVAILABLE, type(error).__name__) from None
        return RoleSessionKeys(
            found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], found["Expiration"].timestamp()
        )


def sts_client() -> StsClient:
    """A client of AWS STS, which gives up in time."""
    return cast("StsClient", quick_session().create_client("sts", config=CLIENT_CONFIG))


def development_role(path: Path) -> StsRole:
    """The role of this machine's IoT Core, which a file in its data folder describes."""
    found: Mapping[str, str] = json.loads(path.read_bytes())
    client = local_sts_client(found["url"], found["region"], found["access_key_id"], found["secret_access_key"])
    return StsRole(found["role"], found["endpoint"], client)


def local_sts_client(url: str, region: str, key_id: str, secret: str, config: Config = CLIENT_CONFIG) -> StsClient:
    """A client of this machine's AWS STS at a URL, with an access key; `config` has its times."""
    client = quick_session(_NO_PROFILE).create_client(
        "sts",
        config=config.merge(_HERE),
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )
    return cast("StsClient", client)
