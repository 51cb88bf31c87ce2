"""The AWS account and region of a deployment. Imported only for a deployment, because botocore takes long to load."""

import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from iot_authorizer_cdk.properties import InvalidSettings

TIMES = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
"""How long AWS may take to answer."""
_NO_CREDENTIALS = (
    "choose a profile with AWS_PROFILE (`aws configure sso` makes one), or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
_SIGN_IN = "sign in again, for example with `aws sso login`"
_ADVICE = {
    "ConnectTimeoutError": "check the network, and the region",
    "CredentialRetrievalError": _SIGN_IN,
    "EndpointConnectionError": "check the network, and the region",
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _NO_CREDENTIALS,
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ProfileNotFound": "check AWS_PROFILE: `aws configure list-profiles` prints the profiles",
    "SSOTokenLoadError": _SIGN_IN,
    "TokenRetrievalError": _SIGN_IN,
    "UnauthorizedSSOTokenError": _SIGN_IN,
}
"""What to do, by the type or the code of an error."""

_AWS_DOMAINS = (".amazonaws.", ".api.aws.", ".api.amazonwebservices.")


class AwsAccount(NamedTuple):
    """Where a deployment goes."""

    account: str
    region: str
    endpoint: str = ""
    """The URL that answers instead of AWS, such as that of IoT Core on this machine; empty for AWS itself."""

    def __str__(self) -> str:
        place = f"AWS account {self.account}, region {self.region}"
        return f"{place}, at {self.endpoint} instead of AWS" if self.endpoint else place


def find_account() -> AwsAccount:
    """Asks AWS whose credentials these are (GetCallerIdentity). Raises InvalidSettings if there is no answer."""
    session = Session()
    try:
        region = _region(session)
        client: Any = session.create_client("sts", region_name=region, config=TIMES)
        identity = client.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        kind = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        advice = _ADVICE.get(kind, "check the credentials and the region")
        raise InvalidSettings(f"no AWS account is known: {str(error).rstrip('.')}: {advice}") from None
    url = str(client.meta.endpoint_url)
    return AwsAccount(identity["Account"], region, "" if _is_aws(url) else url)


def _is_aws(url: str) -> bool:
    """Whether this is the URL of an AWS service, in any partition, and not one of AWS_ENDPOINT_URL or of a profile."""
    return any(domain in f"{urlsplit(url).hostname}." for domain in _AWS_DOMAINS)


def _region(session: Session) -> str:
    """Returns the region that the CDK uses, which without one would deploy to us-east-1."""
    found = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not found:
        advice = "set AWS_REGION, such as AWS_REGION=eu-west-1, or choose a profile that has one with AWS_PROFILE"
        raise InvalidSettings(f"no AWS region is known: {advice}")
    return str(found)
