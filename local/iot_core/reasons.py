"""Every reason code with which IoT Core itself refuses a client or drops a message, with its cause and its cure.

The Lambda has other reason codes. The tables in docs/reference/log-and-reason-codes.md hold the same words.
"""

from enum import StrEnum
from typing import Self


class IotCoreReason(StrEnum):
    """Why IoT Core refused a connection, a subscription or a publish, or why a message did not arrive."""

    cause: str
    """What IoT Core found, as Markdown without its first capital and its full stop."""
    cure: str
    """What the user can do about it, in the same form."""

    def __new__(cls, code: str, cause: str, cure: str) -> Self:
        """Makes a member with its code as the value."""
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.cause = cause
        reason.cure = cure
        return reason

    # IoT Core refuses the connection.
    AUTHORIZER_MISSING = (
        "authorizer_missing",
        "the client names no authorizer, and the account has no default authorizer",
        "send `x-amz-customauthorizer-name` in the URL, in a header or in the user name's query; "
        "or make the authorizer the default one: `dev --default-authorizer`, `aws iot set-default-authorizer`",
    )
    AUTHORIZER_NOT_FOUND = (
        "authorizer_not_found",
        "no authorizer has the name that the client sent",
        "compare the two names",
    )
    AUTHORIZER_INACTIVE = (
        "authorizer_inactive",
        "the authorizer is not active",
        "run `aws iot update-authorizer --status ACTIVE`",
    )
    TOKEN_MISSING = (
        "token_missing",
        "signing is enabled, and the request has no token under the token key name",
        "send the token under that name: with signing enabled, IoT Core looks nowhere else",
    )
    SIGNATURE_MISSING = (
        "signature_missing",
        "signing is enabled, and the request has no `x-amz-customauthorizer-signature`",
        "sign the token, for example with `iot-authorizer sign`",
    )
    SIGNATURE_INVALID = (
        "signature_invalid",
        "no public key of the authorizer verifies the token's signature",
        "sign the token's bytes with RSASSA-PKCS1-v1_5 and SHA-256, "
        "and send the signature as standard base64, URL-encoded",
    )
    FUNCTION_NOT_FOUND = (
        "function_not_found",
        "the authorizer names a function that is not on this machine",
        "compare its ARN with the ARN in `detail`",
    )
    FUNCTION_TIMEOUT = (
        "function_timeout",
        "the function did not answer within 5 seconds",
        "find out what the function waits for; `detail` says if handlers that never return slow it down",
    )
    ENVIRONMENTS_BUSY = (
        "environments_busy",
        "no execution environment of the function was free for most of 5 seconds; `detail` says why",
        "make the function faster, or allow more environments with `--concurrency`; "
        "without `--in-process`, handlers that never return are ended",
    )
    FUNCTION_ERROR = (
        "function_error",
        "the function raised an exception, or could not be loaded",
        "look at the exception and its place in `detail`",
    )
    INVALID_ANSWER = (
        "invalid_answer",
        "IoT Core does not accept the function's answer; `detail` names the field, what was expected and found",
        "correct that field; for example, `principalId` must have only letters and digits",
    )
    NOT_AUTHENTICATED = (
        "not_authenticated",
        "a function of your own refused the client and logged no reason",
        "let the function log a reason",
    )
    IOT_CORE_ERROR = (
        "iot_core_error",
        "`dev` itself failed while it authorized the client; `detail` has the exception",
        "open an issue with the traceback from its terminal",
    )
    CONNECT_NOT_ALLOWED = (
        "connect_not_allowed",
        "the policy does not allow `iot:Connect` for this client ID, or for a Will or a persistent session",
        "run `explain … connect CLIENT-ID`; allow a Will and persistent sessions by `connect_with`",
    )
    WILL_NOT_ALLOWED = (
        "will_not_allowed",
        "the policy does not allow the client to publish its Will",
        "grant `publish` on the Will's topic, and `retain` if the Will is retained",
    )
    INVALID_CONNECT = (
        "invalid_connect",
        "the CONNECT breaks one of IoT Core's rules, which `detail` names",
        "change the CONNECT",
    )
    CONNECT_RATE_EXCEEDED = (
        "connect_rate_exceeded",
        "more than one connection a second with one client ID, or more than 500 a second in the account",
        "wait a second, or use another client ID; `--no-throttling` removes both limits",
    )
    CONNECT_TIMEOUT = (
        "connect_timeout",
        "the client sent no CONNECT within 10 seconds",
        "send a CONNECT at once",
    )
    AWS_SIGNATURE_MALFORMED = (
        "aws_signature_malformed",
        "a part of the AWS signature is missing or invalid, or it is in a wrong place; `detail` says which",
        "sign WebSocket connections in the URL, and HTTPS requests in the `Authorization` header",
    )
    ACCESS_KEY_UNKNOWN = (
        "access_key_unknown",
        "the request is signed with an access key that this machine did not issue",
        "sign with this machine's key: `iot-authorizer credentials` prints it, "
        "in the folder of `dev` or with its `--data`",
    )
    SESSION_TOKEN_INVALID = (
        "session_token_invalid",
        "the session token is missing, is not the one of the access key, or the key is a long-term one; "
        "`detail` says which",
        "send the three values of one set of credentials together; `unset AWS_SESSION_TOKEN` removes an old one",
    )
    CREDENTIALS_EXPIRED = (
        "credentials_expired",
        "the temporary credentials have expired",
        "get new ones before you connect again, and sign a new URL",
    )
    CREDENTIAL_SCOPE_INVALID = (
        "credential_scope_invalid",
        "the request is signed for another region or service; `detail` names both",
        "sign for the region of `dev` (`--region`), and for `iotdevicegateway` or `iotdata`",
    )
    AWS_SIGNATURE_MISMATCH = (
        "aws_signature_mismatch",
        "the AWS signature is not that of the request; `detail` names the mistake, if it is a known one",
        "correct the signer, or use the secret access key that belongs to the key ID",
    )
    AWS_SIGNATURE_EXPIRED = (
        "aws_signature_expired",
        "the request was signed more than 5 minutes before or after now, or longer ago than `X-Amz-Expires` says",
        "sign a new URL for each connection; if the time in `detail` is wrong, set the clock",
    )
    SIGNED_WITH_AUTHORIZER = (
        "signed_with_authorizer",
        "the request has an AWS signature and parameters of a custom authorizer",
        "send only one of them",
    )
    CREDENTIALS_NOT_ISSUED = (
        "credentials_not_issued",
        "STS or the identity pool gives no temporary credentials; `detail` says why",
        "change the request or the configuration as `detail` says; `iot-authorizer credentials` prints keys that STS "
        "accepts",
    )
    ALPN_NOT_ALLOWED = (
        "alpn_not_allowed",
        "IoT Core asks no custom authorizer about connections with this ALPN name or to this port; `detail` names it",
        "use ALPN `mqtt` for MQTT, and `http/1.1` or none for WebSocket and HTTPS; "
        "MQTT without ALPN needs port 8883 and a domain configuration",
    )
    TLS_FAILED = (
        "tls_failed",
        "the TLS handshake failed; `detail` says why",
        "give the client the certificate of the CA (`ca.pem`, or your own CA's with `dev --certificate`), and use a "
        "host name that is in the server's certificate",
    )
    NOT_MQTT = (
        "not_mqtt",
        "the client sent bytes that are not MQTT; `detail` names the rule",
        "check the port and the protocol",
    )

    # The connection ends, a subscription is refused, or a message does not arrive.
    NOT_ALLOWED_BY_POLICY = (
        "not_allowed_by_policy",
        "the policy does not allow it; for an HTTPS request, `detail` names the action",
        "run `explain`: it shows the entry that denies it, or what is missing",
    )
    INVALID_TOPIC_FILTER = (
        "invalid_topic_filter",
        "IoT Core refuses this topic filter, whatever the policy allows; `detail` names the limit",
        "use at most 256 bytes and 7 slashes, `#` only at the end, and a wildcard only as a whole level",
    )
    TOO_MANY_SUBSCRIPTIONS = (
        "too_many_subscriptions",
        "more than 50 subscriptions on one connection",
        "use filters with wildcards, or several connections",
    )
    THROTTLED = (
        "throttled",
        "more than 100 publishes a second on one connection",
        "publish less often, or over several connections; `--no-throttling` shows whether this limit is the cause",
    )
    SLOW = (
        "slow",
        "the subscriber does not read; IoT Core drops messages with QoS 0 first, then ends the connection",
        "read faster, or subscribe to less",
    )
    QUEUE_FULL = (
        "queue_full",
        "more than 1,000 messages or 4 MiB wait for one persistent session",
        "connect more often, or publish less to this client",
    )
    QUEUES_FULL = (
        "queues_full",
        "more than 256 MiB wait for all disconnected clients together, a limit that only this machine has",
        "connect more often, or publish less to disconnected clients",
    )
    TOO_MANY_SESSIONS = (
        "too_many_sessions",
        "more than 10,000 persistent sessions have no connection, a limit that only this machine has; "
        "the session that was disconnected first ended",
        "use a shorter session expiry, or fewer client IDs",
    )
    WILL_NOT_VALID = (
        "will_not_valid",
        "the Will's topic or properties break one of IoT Core's limits, which `detail` names",
        "change the Will",
    )
    RECEIVER_NOT_CONNECTED = (
        "receiver_not_connected",
        "the client that a direct message is for is not connected",
        "compare the client IDs, or publish the message to a topic: direct messages are not queued",
    )
    RECEIVER_BUSY = (
        "receiver_busy",
        "the client that a direct message is for does not read, or has acknowledged too few messages",
        "send again later, or send fewer messages to this client",
    )
    RECEIVER_TAKES_LESS = (
        "receiver_takes_less",
        "a direct message is larger than the Maximum Packet Size of its receiver",
        "send less, or let the client take more",
    )
    NOT_ACKNOWLEDGED = (
        "not_acknowledged",
        "the receiver of a direct message has not acknowledged it in time, or its connection ended before",
        "let the client acknowledge messages at once, or wait longer with `timeout`",
    )
    TOO_MANY_RETAINED = (
        "too_many_retained",
        "5,000 messages are retained",
        "delete some: publish an empty retained message to their topics",
    )
