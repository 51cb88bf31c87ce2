"""Verifies signed requests: the key, its session token, the scope, the signature and the time.

1. This machine must have issued the key. A temporary key needs its session token, from which the key is read, and must
   not have expired. A session token in the URL is not signed, since AWS IoT computes the signature without it; in a
   header it is signed.
2. The scope must name the region of this endpoint, and a service that the request is for.
3. The signature must be that of the request as it came. If it is not, `mistakes` finds out why.
   unmeasured (reported, https://github.com/mhart/aws4/issues/30, 2016; checks sigv4-session-appended,
   sigv4-session-signed): that AWS IoT refuses a URL whose signature has the session token.
4. The request must have been signed within five minutes, before or after now.
   unmeasured (reported, https://github.com/aws/aws-sdk-js/issues/2254, 2018; check sigv4-expires-long): that AWS keeps
   to five minutes for any longer X-Amz-Expires.
"""

import hmac
from collections.abc import Callable, Collection
from typing import NamedTuple

from iot_core.iam.access_keys import AccessKey, AccessKeys
from iot_core.iam.mistakes import find_mistake
from iot_core.iam.presenting import (
    AUTHORIZATION,
    MalformedSignature,
    PresentedSignature,
    names_authorizer,
    place_of_signature,
    read_authorization,
    read_header,
    read_url,
    shown_key_id,
)
from iot_core.iam.signing import Scope, SentRequest, signature
from iot_core.reasons import IotCoreReason

WEB_SOCKET_SERVICES = frozenset({"iotdevicegateway", "iotdata"})
"""The services that clients sign WebSocket URLs for: AWS's SDKs use both."""
_PATIENCE = 300
"""Seconds before and after now in which a request may be signed."""
_TEMPORARY = "ASIA"
"""The IDs of temporary keys begin so (IAM user guide, "IAM identifiers")."""
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

    def verify_upgrade(self, request: SentRequest) -> AccessKey | None:
        """Verifies the upgrade request of a WebSocket; None if it is not signed. Raises SignatureRefused."""
        place = place_of_signature(request)
        if place is None:
            return None
        if own := names_authorizer(request):
            raise signed_with_authorizer(f"found {place}, and {own} of a custom authorizer")
        # unmeasured (check sigv4-header): whether AWS accepts a WebSocket upgrade that is signed in its header. No
        # client does that.
        if place == AUTHORIZATION:
            raise malformed_signature(f"found {place}: expected the signature in the URL's query string")
        return self.verify_url(request)

    def verify_url(self, request: SentRequest, services: Collection[str] = WEB_SOCKET_SERVICES) -> AccessKey:
        """Verifies a signed URL. Raises SignatureRefused."""
        try:
            presented = read_url(request)
        except MalformedSignature as error:
            raise malformed_signature(str(error)) from None
        return self._verify(presented, request, services)

    def is_foreign(self, request: SentRequest, services: Collection[str]) -> bool:
        """Whether a request, without its payload, is signed in its header with a key that this machine did not issue.

        Only a long-term key can be foreign: an unknown temporary one is refused. Raises SignatureRefused.
        """
        try:
            found = read_authorization(request)
        except MalformedSignature as error:
            raise malformed_signature(str(error)) from None
        is_temporary = request.header("x-amz-security-token") is not None or found.key_id.startswith(_TEMPORARY)
        if is_temporary or found.key_id == self._keys.owner.key_id:
            return False
        _check_service(found.scope, services)
        return True

    def verify_header(self, request: SentRequest, services: Collection[str]) -> AccessKey:
        """Verifies a request that is signed in its Authorization header. Raises SignatureRefused."""
        try:
            presented = read_header(request)
        except MalformedSignature as error:
            raise malformed_signature(str(error)) from None
        return self._verify(presented, request, services)

    def _verify(self, presented: PresentedSignature, request: SentRequest, services: Collection[str]) -> AccessKey:
        key = self._find(presented.key_id, presented.session_token)
        self._check_expiry(key)
        _check_service(presented.scope, services)
        self._check_region(presented)
        expected = signature(key.secret, presented.scope, presented.date, presented.canonical(request))
        if not hmac.compare_digest(expected, presented.signature):
            message = "The request signature we calculated does not match the signature you provided"
            error = AwsError(_INVALID_SIGNATURE, message)
            detail = find_mistake(request, presented, key.secret)
            raise SignatureRefused(IotCoreReason.AWS_SIGNATURE_MISMATCH, detail, error)
        self._check_time(presented)
        return key

    def _find(self, key_id: str, token: str | None) -> AccessKey:
        if key_id == self._keys.owner.key_id:
            if token is not None:
                raise _invalid_token(f"{key_id} is a long-term key: expected no session token")
            return self._keys.owner
        if token is None:
            if key_id.startswith(_TEMPORARY):
                raise _invalid_token(f"{key_id} is a temporary key: the session token is missing")
            raise unknown_key(f"this machine did not issue the access key {shown_key_id(key_id)}")
        key = self._keys.open_token(token)
        if key is None:
            source = "it was changed, or another endpoint issued it"
            raise unknown_key(f"this machine did not issue the session token of {shown_key_id(key_id)}: {source}")
        if key.key_id != key_id:
            raise _invalid_token(f"the session token is not the one of {shown_key_id(key_id)}")
        return key

    def _check_expiry(self, key: AccessKey) -> None:
        if key.expires_at is not None and self._clock() >= key.expires_at:
            ago = round(self._clock() - key.expires_at)
            error = AwsError("ExpiredTokenException", "The security token included in the request is expired")
            detail = f"{key.key_id} expired {ago} seconds ago: get new credentials"
            raise SignatureRefused(IotCoreReason.CREDENTIALS_EXPIRED, detail, error)

    def _check_region(self, presented: PresentedSignature) -> None:
        if presented.scope.region != self._region:
            detail = f"expected the region {self._region}, found {presented.scope.region}"
            raise _wrong_scope(detail, "a valid region")

    def _check_time(self, presented: PresentedSignature) -> None:
        """Checks when the request was signed."""
        age = self._clock() - presented.time
        # unmeasured (check sigv4-expires-short): whether AWS honours an X-Amz-Expires below the five minutes that it
        # keeps to for any longer one (assumed: a URL is never valid for longer than its maker wanted).
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


def _invalid_token(detail: str) -> SignatureRefused:
    return SignatureRefused(IotCoreReason.SESSION_TOKEN_INVALID, detail, AwsError(*_INVALID_TOKEN))


def _check_service(scope: Scope, services: Collection[str]) -> None:
    if scope.service not in services:
        known = " or ".join(sorted(services))
        detail = f"expected the service {known}, found {scope.service}"
        raise _wrong_scope(detail, f"correct service: '{known}'")


def _wrong_scope(detail: str, expected: str) -> SignatureRefused:
    error = AwsError(_INVALID_SIGNATURE, f"Credential should be scoped to {expected}.")
    return SignatureRefused(IotCoreReason.CREDENTIAL_SCOPE_INVALID, f"the credential: {detail}", error)


def unknown_key(detail: str) -> SignatureRefused:
    """The refusal of a key that this machine did not issue."""
    return SignatureRefused(IotCoreReason.ACCESS_KEY_UNKNOWN, detail, AwsError(*_INVALID_TOKEN))


def signed_with_authorizer(detail: str) -> SignatureRefused:
    """The refusal of a signed request that also names a custom authorizer."""
    # unmeasured (check sigv4-authorizer): what IoT Core does with a signature and an authorizer's name (assumed:
    # refuses); its domain configuration decides there.
    error = AwsError("AccessDeniedException", "Forbidden")
    return SignatureRefused(IotCoreReason.SIGNED_WITH_AUTHORIZER, f"{detail}: send only one of them", error)


def malformed_signature(detail: str) -> SignatureRefused:
    """The refusal of a signature that cannot be read, or is in a wrong place."""
    error = AwsError("IncompleteSignatureException", "The request signature does not conform to AWS standards")
    return SignatureRefused(IotCoreReason.AWS_SIGNATURE_MALFORMED, detail, error)
