"""Requests that botocore signs: a signer that shares no code with the verifier."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import botocore.auth
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from iot_core.iam.access_keys import AccessKey, AccessKeys, owner_principal
from iot_core.iam.signing import SentRequest
from iot_core.iam.verifying import SignatureVerifier
from iot_policies.account_region import AccountRegion
from tests.clock import Clock

REGION = "eu-west-1"
PLACE = AccountRegion(REGION, "123456789012")
NOW = 1_780_000_000
HOST = "localhost:8443"
OWNER = AccessKey("AKIAOWNER", "owner/secret+1", owner_principal("AKIAOWNER", PLACE))
TEMPORARY = AccessKey("ASIATEMPORARY", "temporary", OWNER.principal, "tok+/==", NOW + 3600)
SECOND = AccessKey("ASIASECOND", "second", OWNER.principal, "second+/==", NOW + 3600)


def policy(*statements: tuple[str, str]) -> str:
    """A policy that allows actions, each on the ARN of a resource."""
    allowed = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def stranger(key_id: str, token: str | None = None, secret: str = "secret") -> AccessKey:
    """A key as a client knows it, which no endpoint need have issued."""
    return AccessKey(key_id, secret, OWNER.principal, token)


class Signer(NamedTuple):
    """What a client signs, and how."""

    key: AccessKey = OWNER
    service: str = "iotdevicegateway"
    region: str = REGION
    expires: int = 86_400
    at: float = NOW
    host: str = HOST

    def url(self, path: str = "/mqtt", query: str = "", *, with_token: bool = False) -> str:
        """The query string of a signed URL. The token is appended unless it is signed."""
        signer = SigV4QueryAuth(self._credentials(with_token), self.service, self.region, self.expires)
        request = AWSRequest("GET", f"https://{self.host}{path}{f'?{query}' if query else ''}")
        self._sign(signer, request)
        signed = urlsplit(str(request.url)).query
        if self.key.session_token and not with_token:
            signed += f"&X-Amz-Security-Token={quote(self.key.session_token, safe='')}"
        return signed

    def headers(
        self, method: str, path: str, query: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The headers of a request that is signed in its header."""
        url = f"https://{self.host}{path}{f'?{query}' if query else ''}"
        request = AWSRequest(method, url, data=body, headers={"Host": self.host, **(headers or {})})
        self._sign(SigV4Auth(self._credentials(True), self.service, self.region), request)
        return dict(request.headers)

    def _credentials(self, with_token: bool) -> Credentials:
        return Credentials(self.key.key_id, self.key.secret, self.key.session_token if with_token else None)

    def _sign(self, signer: SigV4Auth, request: AWSRequest) -> None:
        with patch.object(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(self.at, UTC)):
            signer.add_auth(request)


def upgrade(query: str, host: str = HOST, path: str = "/mqtt", **headers: str) -> SentRequest:
    """The upgrade request of a WebSocket."""
    sent = [("host", host), *((name.lower().replace("_", "-"), value) for name, value in headers.items())]
    return SentRequest("GET", path.encode(), query.encode(), tuple((n, v.encode("latin-1")) for n, v in sent))


def call(method: str, path: str, headers: Mapping[str, str], query: str = "", body: bytes = b"") -> SentRequest:
    """An HTTPS request."""
    sent = tuple((name.lower(), value.encode("latin-1")) for name, value in headers.items())
    return SentRequest(method, path.encode(), query.encode(), sent, body)


def verifier(now: float = NOW, *others: AccessKey) -> SignatureVerifier:
    """A verifier that knows the owner's key and others."""
    tokens = {each.session_token or "": each for each in others}
    return SignatureVerifier(AccessKeys(OWNER, tokens.get), REGION, Clock(now))
