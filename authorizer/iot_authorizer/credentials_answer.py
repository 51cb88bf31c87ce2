"""Answers of the credentials endpoint: temporary credentials, or a reason code, with CORS.

1. One JSON object has the members that AWS's SDKs read: those of a container's credentials (`Token`) and those of
   `credential_process` (`Version`, `SessionToken`). `endpoint`, `region` and `clientId` are for the client itself.
2. An error has the reason code as `Code`, and its cause as `Message`. It has no value. What happens inside (statuses
   from 500) is only in the log.
3. A refused password always has the same answer: if the user is unknown, locked, disabled or revoked, too. Otherwise
   it would tell user names, or that a guessed password is right.
4. A page of another origin gets an answer only if `origins` has its origin. Its browser may not take the answer for
   another type of content, or load it in a way that asks no origin (`no-cors`).
5. No answer may be stored by a cache.
"""

import json
from collections.abc import Collection, Mapping
from typing import TypedDict

from iot_authorizer.credentials import CredentialSource
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.temporary_credentials import TemporaryCredentials
from iot_policies.durations import utc_text

ANY_ORIGIN = "*"
_SECONDS_OF_PREFLIGHT = 600
_STATUSES: Mapping[int, Collection[str]] = {
    400: (
        Reason.MALFORMED_EVENT,
        Reason.MALFORMED_QUERY,
        Reason.MALFORMED_PASSWORD,
        Reason.MALFORMED_REQUEST,
        Reason.MISPLACED_CREDENTIALS,
        Reason.CONFLICTING_CREDENTIALS,
        Reason.USER_NAME_MISSING,
        Reason.PASSWORD_MISSING,
        Reason.CLIENT_ID_MISSING,
    ),
    403: (
        Reason.ORIGIN_NOT_ALLOWED,
        Reason.USER_DISABLED,
        Reason.USER_EXPIRED,
        Reason.PRINCIPAL_REVOKED,
        Reason.TOKEN_REVOKED,
        Reason.ISSUED_BEFORE_REVOCATION,
        Reason.INVALID_NAME,
        Reason.AMBIGUOUS_CLAIM,
        Reason.UNCLEAR_DENIAL,
        Reason.UNSAFE_VALUE,
        Reason.NOTHING_GRANTED,
        Reason.POLICY_TOO_LARGE,
        Reason.SESSION_POLICY_TOO_LARGE,
        Reason.SESSION_POLICY_CHARACTER,
        Reason.CLIENT_ID_NOT_GRANTED,
        Reason.TOKEN_EXPIRES_TOO_SOON,
    ),
    405: (Reason.METHOD_NOT_ALLOWED,),
    500: (Reason.ACCOUNT_UNKNOWN, Reason.MALFORMED_ITEM, Reason.INVALID_TOPICS, Reason.INTERNAL_ERROR),
    503: (Reason.KEYS_UNAVAILABLE, Reason.TABLE_UNAVAILABLE, Reason.STS_UNAVAILABLE),
}
"""All other reason codes of the authorizer say that the credentials are not valid: 401."""
_STATUS = {reason: status for status, reasons in _STATUSES.items() for reason in reasons}
_REASONS = {str(reason): reason for reason in Reason}
_NOT_TOLD = (
    Reason.UNKNOWN_USER,
    Reason.WRONG_PASSWORD,
    Reason.LOCKED,
    Reason.PASSWORD_EXPIRED,
    Reason.USER_DISABLED,
    Reason.USER_EXPIRED,
    Reason.PRINCIPAL_REVOKED,
)
"""Told for a token only: its holder has proven who it is."""
_NOT_ACCEPTED = (
    "the password is wrong, or too many wrong passwords came, or this user does not exist or may not sign in"
)

_ALWAYS: Mapping[str, str] = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "vary": "Origin",
    "x-content-type-options": "nosniff",
}
"""The headers of each answer."""

_REQUIRED = {401: {"www-authenticate": "Bearer"}, 405: {"allow": "GET, POST, OPTIONS"}}
"""What answers with a status need (RFC 9110, sections 11.6.1 and 15.5.6)."""


class CredentialsAnswer(TypedDict):
    """An answer in payload format 2.0."""

    statusCode: int
    headers: dict[str, str]
    body: str


class Cors:
    """Which pages may ask, and the headers that tell their browsers."""

    def __init__(self, origins: Collection[str], token_key_name: str | None) -> None:
        """`origins` are such as `https://app.example.com`, or `*` for all."""
        self._origins = frozenset(origins)
        self._headers = ", ".join(("authorization", "content-type", *((token_key_name,) if token_key_name else ())))

    def allows(self, origin: str | None) -> bool:
        """Whether a page of an origin may ask; None is a program, which may."""
        return origin is None or not self._origins.isdisjoint((origin, ANY_ORIGIN))

    def headers(self, origin: str | None) -> dict[str, str]:
        """The headers of each answer to a request with this origin."""
        allowed = {} if origin is None or not self.allows(origin) else {"access-control-allow-origin": origin}
        return {**_ALWAYS, **allowed}

    def preflight(self, origin: str | None) -> CredentialsAnswer:
        """The answer to a browser that asks whether a page may send a request."""
        told = {
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": self._headers,
            "access-control-max-age": str(_SECONDS_OF_PREFLIGHT),
        }
        return {"statusCode": 204, "headers": {**self.headers(origin), **told}, "body": ""}


def issued(credentials: TemporaryCredentials, headers: Mapping[str, str]) -> CredentialsAnswer:
    """The answer to a client that gets credentials."""
    return _answer(
        200,
        headers,
        {
            "Version": 1,
            "AccessKeyId": credentials.key_id,
            "SecretAccessKey": credentials.secret,
            "SessionToken": credentials.session_token,
            "Token": credentials.session_token,
            "Expiration": utc_text(credentials.expires_at),
            "endpoint": credentials.endpoint,
            "region": credentials.region,
            "clientId": credentials.client_id,
        },
    )


def refused(refusal: Refusal, headers: Mapping[str, str]) -> CredentialsAnswer:
    """The answer to a client that gets none."""
    reason = _REASONS.get(refusal.reason)
    if refusal.source == CredentialSource.PASSWORD and reason in _NOT_TOLD:
        return _error(401, headers, Reason.WRONG_PASSWORD, _NOT_ACCEPTED)
    if reason is None:  # A code of your own.
        return _error(403, headers, refusal.reason, "the request is refused")
    status = _STATUS.get(reason, 401)
    detail = f": {refusal.detail}" if refusal.detail and status < 500 else ""
    return _error(status, headers, reason, reason.cause + detail)


def _error(status: int, headers: Mapping[str, str], code: str, message: str) -> CredentialsAnswer:
    return _answer(status, {**headers, **_REQUIRED.get(status, {})}, {"Code": str(code), "Message": message})


def _answer(status: int, headers: Mapping[str, str], body: Mapping[str, object]) -> CredentialsAnswer:
    return {
        "statusCode": status,
        "headers": {**headers, "content-type": "application/json"},
        "body": json.dumps(body) + "\n",
    }
