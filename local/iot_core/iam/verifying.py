"""Verifies signed requests: the key, its session token, the scope, the signature and the time.

1. This machine must have issued the key. A temporary key needs its session token and must not have expired. A session
   token in the URL is not signed, since AWS IoT computes the signature without it; in a header it is signed.
2. The scope must name the region of this endpoint, and a service that the request is for.
3. The signature must be that of the request as it came. If it is not, `mistakes` finds out why.
4. The request must have been signed within five minutes, before or after now. That is what AWS keeps to, whatever
   X-Amz-Expires says.
"""

import hmac
from collections.abc import Callable, Collection
from typing import NamedTuple

from iot_core.iam.access_keys import AccessKey, AccessKeys
from iot_core.iam.mistakes import find_mistake
from iot_core.iam.presenting import MalformedSignature, PresentedSignature, read_header, read_url
from iot_core.iam.signing import SentRequest, signature
from iot_core.reasons import IotCoreReason

WEB_SOCKET_SERVICES = frozenset({"iotdevicegateway", "iotdata"})
"""The services that clients sign WebSocket URLs for: AWS's SDKs use both."""
_PATIENCE = 300
"""Seconds before and after now in which a request may be signed."""
_INVALID_TOKEN = "UnrecognizedClientException", "The security token included in the request is invalid"
_INVALID_SIGNATURE = "InvalidSignatureException"


class AwsError(NamedTuple):
    """The error that AWS answers."""

    type: str
    message: str


class SignatureRefused(Exception):
    """A signed request that is refused."""

    def __init__(self, reason: IotCoreReason, detail: str, error: AwsError) -> None:
        self.reason = reason
        self.detail = detail
        """What was found and expected. It is for the user of this machine, never for the client."""
        self.error = error
        super().__init__(f"{reason}: {detail}")


class SignatureVerifier:
    """Verifies the signatures of requests."""

    def __init__(self, keys: AccessKeys, region: str, clock: Callable[[], float]) -> None:
        """`region` is this endpoint's; `clock` gives seconds since 1970."""
        self._keys = keys
        self._region = region
        self._clock = clock

    def verify_url(self, request: SentRequest, services: Collection[str] = WEB_SOCKET_SERVICES) -> AccessKey:
        """Verifies a signed URL. Raises SignatureRefused."""
        try:
            presented = read_url(request)
        except MalformedSignature as error:
            raise malformed_signature(str(error)) from None
        return self._verify(presented, request, self._find(presented.key_id), services)

    def read_header(self, request: SentRequest) -> tuple[PresentedSignature, AccessKey | None]:
        """Reads the Authorization header of a request, and finds its key; None if this machine did not issue it.

        Nothing is verified. Raises SignatureRefused.
        """
        try:
            presented = read_header(request)
        except MalformedSignature as error:
            raise malformed_signature(str(error)) from None
        return presented, self._keys.find(presented.key_id)

    def verify_header(self, request: SentRequest, services: Collection[str]) -> AccessKey:
        """Verifies a request that is signed in its Authorization header. Raises SignatureRefused."""
        presented, _ = self.read_header(request)
        return self._verify(presented, request, self._find(presented.key_id), services)

    def _find(self, key_id: str) -> AccessKey:
        key = self._keys.find(key_id)
        if key is None:
            raise unknown_key(key_id)
        return key

    def _verify(
        self, presented: PresentedSignature, request: SentRequest, key: AccessKey, services: Collection[str]
    ) -> AccessKey:
        self._check_token(presented, key)
        self._check_scope(presented, services)
        expected = signature(key.secret, presented.scope, presented.date, presented.canonical(request))
        if not hmac.compare_digest(expected, presented.signature):
            message = "The request signature we calculated does not match the signature you provided"
            error = AwsError(_INVALID_SIGNATURE, message)
            raise SignatureRefused(
                IotCoreReason.AWS_SIGNATURE_MISMATCH, find_mistake(request, presented, key.secret), error
            )
        self._check_time(presented)
        return key

    def _check_token(self, presented: PresentedSignature, key: AccessKey) -> None:
        expected, found = key.session_token, presented.session_token
        same = hmac.compare_digest((expected or "").encode(), (found or "").encode())
        if not same or (expected is None) != (found is None):
            detail = (
                f"{key.key_id} is a long-term key: expected no session token"
                if expected is None
                else f"{key.key_id} is a temporary key: the session token is "
                f"{'missing' if found is None else 'not the one of this key'}"
            )
            raise SignatureRefused(IotCoreReason.SESSION_TOKEN_INVALID, detail, AwsError(*_INVALID_TOKEN))
        if key.expires_at is not None and self._clock() >= key.expires_at:
            ago = round(self._clock() - key.expires_at)
            error = AwsError("ExpiredTokenException", "The security token included in the request is expired")
            detail = f"{key.key_id} expired {ago} seconds ago: get new credentials"
            raise SignatureRefused(IotCoreReason.CREDENTIALS_EXPIRED, detail, error)

    def _check_scope(self, presented: PresentedSignature, services: Collection[str]) -> None:
        scope, known = presented.scope, " or ".join(sorted(services))
        if scope.service not in services:
            detail, message = f"expected the service {known}, found {scope.service}", f"correct service: '{known}'"
        elif scope.region != self._region:
            detail, message = f"expected the region {self._region}, found {scope.region}", "valid region"
        else:
            return
        error = AwsError(_INVALID_SIGNATURE, f"Credential should be scoped to a {message}.")
        raise SignatureRefused(IotCoreReason.CREDENTIAL_SCOPE_INVALID, f"the credential: {detail}", error)

    def _check_time(self, presented: PresentedSignature) -> None:
        """Checks when the request was signed."""
        age = self._clock() - presented.time
        # unmeasured: AWS keeps to about five minutes whatever X-Amz-Expires says; whether it honours a shorter time is
        # unknown. A URL is never valid for longer than its maker wanted.
        most = min(_PATIENCE, presented.expires or _PATIENCE)
        if age > most:
            limit = "X-Amz-Expires" if most < _PATIENCE else "AWS accepts a signature for 5 minutes"
            detail = f"signed at {presented.date}, {round(age)} seconds ago, more than {most} ({limit})"
            message = f"Signature expired: {presented.date}"
        elif age < -_PATIENCE:
            detail = f"signed at {presented.date}, {round(-age)} seconds after now: the two clocks differ"
            message = f"Signature not yet current: {presented.date}"
        else:
            return
        raise SignatureRefused(IotCoreReason.AWS_SIGNATURE_EXPIRED, detail, AwsError(_INVALID_SIGNATURE, message))


def unknown_key(key_id: str) -> SignatureRefused:
    """The refusal of a key that this machine did not issue."""
    detail = f"this machine did not issue the access key {key_id}"
    return SignatureRefused(IotCoreReason.ACCESS_KEY_UNKNOWN, detail, AwsError(*_INVALID_TOKEN))


def malformed_signature(detail: str) -> SignatureRefused:
    """The refusal of a signature that cannot be read, or is in a wrong place."""
    error = AwsError("IncompleteSignatureException", "The request signature does not conform to AWS standards")
    return SignatureRefused(IotCoreReason.AWS_SIGNATURE_MALFORMED, detail, error)
