"""HS256 keys from Secrets Manager or the SSM parameter store. Imported only if one is configured."""

import logging

from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from jwt import PyJWK
from jwt.utils import base64url_encode

from iot_authorizer.cached import Cached, FetchError
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal

LEAST_SECRET = 32
"""Bytes: a key as long as the hash (RFC 7518, section 3.2)."""

for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)  # At DEBUG they log answers of AWS, which have the secret.

CLIENT_CONFIG = Config(connect_timeout=0.5, read_timeout=0.7, retries={"total_max_attempts": 2})


class SharedSecret:
    """The key of an issuer that signs with a secret."""

    def __init__(self, cached: Cached[PyJWK]) -> None:
        self._cached = cached

    def find(self, key_id: str | None, algorithm: str) -> tuple[PyJWK]:  # noqa: ARG002 (there is only one key)
        """The only key. Raises Refusal if the secret cannot be read or is too short."""
        key = self._cached.get()
        if len(key.key) < LEAST_SECRET:
            raise Refusal(Reason.WEAK_KEY)
        return (key,)


def fetch_key(name: str) -> PyJWK:
    """Fetches the HS256 key of `secretsmanager:NAME` or `ssm:NAME`. NAME can be an ARN. Raises FetchError."""
    service, _, rest = name.partition(":")
    try:
        if service == "ssm":
            value = SSMProvider(boto_config=CLIENT_CONFIG).get(rest, max_age=0, decrypt=True)
        else:
            value = SecretsProvider(boto_config=CLIENT_CONFIG).get(rest, max_age=0)
    except (GetParameterError, BotoCoreError) as error:
        answer = getattr(error.__context__, "response", {})  # Of botocore's ClientError.
        raise FetchError(answer.get("Error", {}).get("Code") or type(error.__context__ or error).__name__) from None
    secret = value if isinstance(value, bytes) else str(value).encode()
    if b"-----BEGIN" in secret:  # With a public key as the secret, everyone could sign.
        raise FetchError("found PEM, expected a secret that only the issuer knows")
    return PyJWK({"kty": "oct", "k": base64url_encode(secret).decode()}, "HS256")
