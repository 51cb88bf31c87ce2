"""The reason codes of the authorizer: the one place that says what each code means and what to do about it.

The page and the documentation show these texts; a test compares the tables in `docs/` with them.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why the authorizer refuses a client. Codes are logged and counted. Only the credentials endpoint sends them."""

    cause: str
    """What was found."""
    cure: str
    """What to do next."""

    def __new__(cls, code: str, cause: str, cure: str) -> "Reason":
        """A member is its code; `cause` and `cure` are Markdown."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.cause = cause
        member.cure = cure
        return member

    # The event
    MALFORMED_EVENT = (
        "malformed_event",
        "a field of the event has a type that IoT Core never sends",
        "check the test event, or find out what invokes the Lambda function: it is not IoT Core",
    )
    MALFORMED_QUERY = (
        "malformed_query",
        "the token in the query string is percent-encoded but not UTF-8, or the query string is over 65,535 characters",
        "encode the token with the URL function of your language",
    )
    MALFORMED_PASSWORD = (
        "malformed_password",
        "the password in the event is not base64",
        "encode the password in `--mqtt-context`; clients send it as it is",
    )
    NO_CREDENTIALS = (
        "no_credentials",
        "the client sent no token, user name or password, and `[anonymous]` is not configured",
        "send credentials; `detail` says if a header looks like some",
    )
    MISPLACED_CREDENTIALS = (
        "misplaced_credentials",
        "what looks like a credential is in a place or a form in which the authorizer does not read it; "
        "`detail` says where it is and where it belongs",
        "send it as `detail` says; if it is not a credential, rename its key",
    )
    CONFLICTING_CREDENTIALS = (
        "conflicting_credentials",
        "the client sent two different tokens, or a token and a password",
        "send only one of them",
    )
    UNSUPPORTED_SCHEME = (
        "unsupported_scheme",
        "the `Authorization` header does not use the `Bearer` scheme",
        "send `Authorization: Bearer TOKEN`",
    )
    USER_NAME_MISSING = (
        "user_name_missing",
        "the client sent a password without a user name",
        "send both",
    )
    PASSWORD_MISSING = (
        "password_missing",
        "the client sent a user name without a password",
        "send both",
    )
    ACCOUNT_UNKNOWN = (
        "account_unknown",
        "the Lambda context has no function ARN",
        "invoke the function as Lambda does",
    )

    # Tokens
    TOKENS_NOT_CONFIGURED = (
        "tokens_not_configured",
        "the client sent a token, but neither `[[jwt]]` nor `[signed_tokens]` is configured",
        "configure the token's issuer",
    )
    TOKEN_TOO_LONG = (
        "token_too_long",
        "the token has more than 8,192 characters",
        "put fewer claims into the token",
    )
    MALFORMED_TOKEN = (
        "malformed_token",
        "the token is not a JWT, which is three parts of base64url and JSON of at most 100 levels; `detail` says what "
        "to remove, or which part is wrong",
        "send the whole token and nothing else",
    )
    DUPLICATE_KEY = (
        "duplicate_key",
        "a JSON object of the token has a duplicate key",
        "correct the issuer: it must not write a key twice",
    )
    ALG_NONE = (
        "alg_none",
        "the token has no signature (`alg` is `none`)",
        "send a signed token: unsigned tokens are never accepted",
    )
    ALGORITHM_NOT_ALLOWED = (
        "algorithm_not_allowed",
        "the token's algorithm is in no `algorithms` of its issuer",
        "add the algorithm if the issuer uses it",
    )
    ALGORITHM_CONFUSION = (
        "algorithm_confusion",
        "the token is signed with HMAC, but its issuer has public keys",
        "find the client that signs its own tokens: this can be an attack",
    )
    KEY_IN_HEADER = (
        "key_in_header",
        "the token brings its own key: its header has `jku`, `jwk`, `x5u` or `x5c`, which `detail` names",
        "have the issuer leave it out, or name it in `ignore_header`: it is never used",
    )
    CRITICAL_HEADER = (
        "critical_header",
        "the token has a `crit` header",
        "have the issuer leave the header out: such tokens are never accepted",
    )
    UNKNOWN_ISSUER = (
        "unknown_issuer",
        "`iss` is missing or is not exactly a configured `issuer`",
        "compare both, including a final slash",
    )
    KEY_ID_MISSING = (
        "key_id_missing",
        "the token has no `kid`, and several keys fit",
        "have the issuer write `kid`",
    )
    UNKNOWN_KEY = (
        "unknown_key",
        "no key has the token's `kid`, even after fetching the keys again",
        "check that `jwks` belongs to the issuer; after a rotation, wait 30 seconds",
    )
    KEY_USE_MISMATCH = (
        "key_use_mismatch",
        "the key is for encryption, or not for verifying",
        "have the issuer sign with a signing key",
    )
    KEY_TYPE_MISMATCH = (
        "key_type_mismatch",
        "the key's type, curve or `alg` does not fit the token's algorithm",
        "have the issuer sign with a key of that algorithm",
    )
    WEAK_KEY = (
        "weak_key",
        "an RSA key has fewer than 2,048 bits, or a secret has fewer than 32 bytes",
        "use a longer key",
    )
    KEYS_UNAVAILABLE = (
        "keys_unavailable",
        "the JWKS or the secret cannot be fetched, and no cached copy is fresh enough; `detail` has the cause",
        "remove the cause; a JWKS file needs no network",
    )
    BAD_SIGNATURE = (
        "bad_signature",
        "the token was signed with another key, or was changed after it was signed",
        "check that the keys belong to the issuer; otherwise the token is a forgery",
    )
    EXPIRED = (
        "expired",
        "the token has expired (`exp`)",
        "get a new token",
    )
    NOT_YET_VALID = (
        "not_yet_valid",
        "the token is not valid yet (`nbf`)",
        "correct the clocks, or raise `leeway`",
    )
    ISSUED_IN_FUTURE = (
        "issued_in_future",
        "the token's issue time is in the future (`iat`)",
        "correct the clocks, or raise `leeway`",
    )
    WRONG_AUDIENCE = (
        "wrong_audience",
        "`aud` is not in the configured `audience`, or the token has one and none is configured",
        "send a token for this service, or configure its `aud` as `audience`",
    )
    WRONG_CLIENT = (
        "wrong_client",
        "the claim that names the client is not in the configured `client_id`; `detail` names the claim",
        "send a token of a configured client; set `client_claim` if the issuer uses another claim",
    )
    WRONG_TOKEN_USE = (
        "wrong_token_use",
        "the claim `token_use` or the header's `typ` is another than the required one; `detail` names it",
        "send the other token that the issuer gave",
    )
    MISSING_CLAIM = (
        "missing_claim",
        "the token lacks a required claim; `detail` names it",
        "have the issuer add the claim; instead of `aud`, you can configure `client_id` and `client_claim`",
    )
    INVALID_CLAIM = (
        "invalid_claim",
        "a claim has the wrong type; `detail` names it",
        "have the issuer correct the claim",
    )
    SIGNATURE_NOT_VERIFIED = (
        "signature_not_verified",
        "IoT Core did not verify the signature of a token of `[signed_tokens]`, or the token is only `header.payload`",
        "enable signing, and send the signature",
    )

    # Passwords
    PASSWORDS_NOT_CONFIGURED = (
        "passwords_not_configured",
        "the client sent a user name and a password, but `[passwords]` is not configured",
        "configure `[passwords]`; if the password is meant to be a token, check that the token is complete",
    )
    PASSWORD_TOO_LONG = (
        "password_too_long",
        "the password has more than 1,024 bytes, or the user name more than 256 characters",
        "use a shorter one",
    )
    UNKNOWN_USER = (
        "unknown_user",
        "the user does not exist",
        "add the user; the log leaves the name out because people type passwords there by mistake",
    )
    WRONG_PASSWORD = (
        "wrong_password",
        "the user exists, but the password is wrong",
        "try again",
    )
    PASSWORD_EXPIRED = (
        "password_expired",
        "the password was replaced, and the time for using the old one has ended",
        "give the client the new password",
    )
    LOCKED = (
        "locked",
        "too many wrong passwords came for this principal, or from this client ID; "
        "the right one is refused too; `detail` says for how long, or that too many attempts came at once",
        "wait up to 15 minutes, or run `users unlock`; generated passwords are never locked",
    )

    # The table of identities
    USER_DISABLED = (
        "user_disabled",
        "the user was disabled with `iot-authorizer users disable`",
        "run `iot-authorizer users enable`",
    )
    USER_EXPIRED = (
        "user_expired",
        "the user has expired",
        "run `iot-authorizer users set-valid-until`",
    )
    PRINCIPAL_REVOKED = (
        "principal_revoked",
        "the principal is revoked, or all its tokens issued before some time are",
        "get a new token, or undo the revocation",
    )
    TOKEN_REVOKED = (
        "token_revoked",
        "this token is revoked",
        "get a new token",
    )
    ISSUED_BEFORE_REVOCATION = (
        "issued_before_revocation",
        "all tokens issued before some time are revoked, or all of this issuer; a token without `iat` is one of them",
        "get a new token",
    )
    TABLE_UNAVAILABLE = (
        "table_unavailable",
        "the table did not answer in time, throttled the request or denied access; `detail` has DynamoDB's error code",
        "check the table's name and capacity and the function's role; "
        "`when_unavailable` says whether clients are allowed meanwhile",
    )
    MALFORMED_ITEM = (
        "malformed_item",
        "an item of the table has an invalid attribute, which `detail` names: another program wrote it",
        "write the item again with `iot-authorizer users` or `iot-authorizer revoke`",
    )

    # The policy
    INVALID_NAME = (
        "invalid_name",
        "the principal, the client ID or a claim that the template reads has invisible characters, is not composed "
        "(NFC), or begins or ends with a space; `detail` names it, never the value",
        "correct it where it is written: it is never changed here, because it could then name another principal",
    )
    AMBIGUOUS_CLAIM = (
        "ambiguous_claim",
        "a claim whose name has dots is there twice: as one name, and as a path into objects; `detail` names it",
        "have the issuer write it once; look at stored claims, too",
    )
    UNCLEAR_DENIAL = (
        "unclear_denial",
        "a deny reads a claim that is an object, or a list that holds an object or a list, or a scope with several "
        "words in one element of a list, or a path that leads through anything but objects; `detail` names it",
        "have the issuer write a text, a number, a boolean or a list of these; or let the deny name a path into it",
    )
    UNSAFE_VALUE = (
        "unsafe_value",
        "a value cannot be a topic level; `detail` names its claim, never the value",
        "use at most 128 bytes without `/ + # * ? $`",
    )
    NOTHING_GRANTED = (
        "nothing_granted",
        "no grant applies to this principal",
        "run `iot-authorizer explain`: it says what the claims lack",
    )
    POLICY_TOO_LARGE = (
        "policy_too_large",
        "the policy needs more than 10 documents of 2,048 characters",
        "put fewer values into list claims, or replace many entries with a `#`; "
        "`iot-authorizer lint` says how many values fit",
    )
    SESSION_POLICY_TOO_LARGE = (
        "session_policy_too_large",
        "the session policy of temporary credentials needs more than 2,048 characters",
        "put fewer values into list claims: `iot-authorizer lint` says how many fit; "
        "clients with more can connect through the custom authorizer, whose policies are ten times as large",
    )
    SESSION_POLICY_CHARACTER = (
        "session_policy_character",
        "the session policy of temporary credentials would have a character above U+00FF, "
        "which AWS STS does not accept; `detail` names its place, never the value",
        "use other characters, or connect this client through the custom authorizer, which accepts them",
    )
    INVALID_TOPICS = (
        "invalid_topics",
        "your grant function returned an entry that no policy can express exactly; `detail` names it",
        "test the function's grants with `PolicyTemplate.of`",
    )
    CLIENT_ID_NOT_GRANTED = (
        "client_id_not_granted",
        "no entry of `connect` allows the client ID",
        "run `iot-authorizer explain … connect CLIENT-ID`",
    )

    # The credentials endpoint
    MALFORMED_REQUEST = (
        "malformed_request",
        "the body is not a JSON object with only the members `clientId`, `username` and `password`, or the client ID "
        "is there twice; `detail` says what is wrong",
        "send the members as strings, and a token in the `Authorization` header; a body may be left out",
    )
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        "the method of the request is neither GET nor POST",
        "send a GET or POST request",
    )
    ORIGIN_NOT_ALLOWED = (
        "origin_not_allowed",
        "a page of another origin sent the request: its `Origin` is not in `origins` of `[credentials]`",
        "add the page's origin to `origins`",
    )
    CLIENT_ID_MISSING = (
        "client_id_missing",
        "the request names no client ID, and the template does not allow exactly one",
        "send the client ID as `clientId`, in the body or in the query string",
    )
    TOKEN_EXPIRES_TOO_SOON = (
        "token_expires_too_soon",
        "the token expires, or `disconnect_after` ends a connection, in less than 15 minutes, the shortest life of "
        "credentials of AWS STS, and the session policy has no room for a condition that ends them earlier",
        "get a new token first, set `disconnect_after` to 15 minutes or more, or put fewer values into list claims",
    )
    STS_UNAVAILABLE = (
        "sts_unavailable",
        "AWS STS did not answer in time, or refused to give the client role; `detail` has its error code",
        "check the function's role and the trust policy of the client role; otherwise try again",
    )

    # The authorizer itself
    INTERNAL_ERROR = (
        "internal_error",
        "the code raised an exception; `detail` has its type and place",
        "look there, first in your own `verify` or `grant`; otherwise open an issue with the log line",
    )
