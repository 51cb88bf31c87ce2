"""Why a client is refused."""

import re
import traceback
from enum import StrEnum
from pathlib import PurePath

from iot_policies import Principal

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Reason(StrEnum):
    """Reason codes: logged and counted, never sent to the client. docs/reference/log-and-reason-codes.md lists them."""

    MALFORMED_EVENT = "malformed_event"
    MALFORMED_QUERY = "malformed_query"
    MALFORMED_PASSWORD = "malformed_password"
    NO_CREDENTIALS = "no_credentials"
    CONFLICTING_CREDENTIALS = "conflicting_credentials"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    USER_NAME_MISSING = "user_name_missing"
    PASSWORD_MISSING = "password_missing"

    TOKENS_NOT_CONFIGURED = "tokens_not_configured"
    TOKEN_TOO_LONG = "token_too_long"
    MALFORMED_TOKEN = "malformed_token"
    DUPLICATE_KEY = "duplicate_key"
    ALG_NONE = "alg_none"
    ALGORITHM_NOT_ALLOWED = "algorithm_not_allowed"
    ALGORITHM_CONFUSION = "algorithm_confusion"
    KEY_IN_HEADER = "key_in_header"
    CRITICAL_HEADER = "critical_header"
    UNKNOWN_ISSUER = "unknown_issuer"
    KEY_ID_MISSING = "key_id_missing"
    UNKNOWN_KEY = "unknown_key"
    KEY_USE_MISMATCH = "key_use_mismatch"
    KEY_TYPE_MISMATCH = "key_type_mismatch"
    WEAK_KEY = "weak_key"
    KEYS_UNAVAILABLE = "keys_unavailable"
    BAD_SIGNATURE = "bad_signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUED_IN_FUTURE = "issued_in_future"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_CLIENT = "wrong_client"
    WRONG_TOKEN_USE = "wrong_token_use"
    MISSING_CLAIM = "missing_claim"
    INVALID_CLAIM = "invalid_claim"
    SIGNATURE_NOT_VERIFIED = "signature_not_verified"

    PASSWORDS_NOT_CONFIGURED = "passwords_not_configured"
    PASSWORD_TOO_LONG = "password_too_long"
    UNKNOWN_USER = "unknown_user"
    WRONG_PASSWORD = "wrong_password"
    PASSWORD_EXPIRED = "password_expired"
    LOCKED = "locked"

    USER_DISABLED = "user_disabled"
    USER_EXPIRED = "user_expired"
    PRINCIPAL_REVOKED = "principal_revoked"
    TOKEN_REVOKED = "token_revoked"
    ISSUED_BEFORE_REVOCATION = "issued_before_revocation"
    TABLE_UNAVAILABLE = "table_unavailable"
    MALFORMED_ITEM = "malformed_item"

    UNSAFE_VALUE = "unsafe_value"
    NOTHING_GRANTED = "nothing_granted"
    POLICY_TOO_LARGE = "policy_too_large"
    INVALID_TOPICS = "invalid_topics"
    CLIENT_ID_NOT_GRANTED = "client_id_not_granted"

    ACCOUNT_UNKNOWN = "account_unknown"
    INTERNAL_ERROR = "internal_error"


class Refusal(Exception):
    """The client is not let in.

    `reason` is one of `Reason`, or a code of your own in the same style: lower case, digits and underscores.
    """

    def __init__(self, reason: str, detail: str = "", *, principal: Principal | None = None) -> None:
        """Raises ValueError for a reason that is no code."""
        if not _CODE.fullmatch(reason):
            raise ValueError("expected a reason code such as unknown_session")
        self.reason = reason
        self.detail = detail[:128]
        """More for the log: the name of a claim, of a key. Never a secret, and nothing that the client made up."""
        self.principal = principal
        """Who was refused, where that is proven or at least a known user's name."""
        self.issuer: str | None = None
        """The configured issuer that the token names."""
        self.door: str | None = None
        """Where the credentials stood, once they are found."""
        super().__init__(f"{reason}: {detail}" if detail else reason)


def internal_error(error: BaseException) -> Refusal:
    """For an exception that nobody expected: its type and place, never its text, which may quote a token."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = f" at {PurePath(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return Refusal(Reason.INTERNAL_ERROR, type(error).__name__ + place)
