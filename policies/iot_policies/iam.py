"""IAM policies of signed requests: reads them strictly, and gives the values of their condition keys and variables.

1. A signed request is allowed if the policies of its role (or user) allow it and, if its credentials have session
   policies, these allow it too: `Evaluator(role, connection, within=[session])`. A Deny in any of them wins.
2. The grammar is that of an IoT policy, with the exceptions below (IAM user guide, "IAM JSON policy elements").
3. `Version` must be 2012-10-17: in an older policy, `${…}` is plain text, which is never meant.
4. Variables are filled only in the last part of an ARN, and in conditions on texts and ARNs. A value never is a
   wildcard. Without a value, a resource matches nothing.
5. Variables, condition keys and condition operators that this machine does not know are refused by name. So is
   `${iot:ClientId}`: reports disagree whether IoT Core fills it for a signed connection (aws-iot-device-sdk-js 78: no,
   awsdocs/aws-iot-docs 42: yes). Variables of things are not filled (awsdocs/aws-iot-docs 42).

unmeasured (documented for IAM; check session-keys): that IoT Core evaluates IAM policies with the keys listed here is
assumed from the IAM user guide ("AWS global condition context keys", "Available keys for AWS web identity federation").
unmeasured (check session-client-id): whether IoT Core fills `${iot:ClientId}` for a signed connection (rule 5).
unmeasured (documented for IAM in part): a `*` in the region or account of an ARN also matches colons here, as IAM
documents it for a `*` at the end of a part.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from iot_policies.conditions import Condition, is_known_operator
from iot_policies.connection import Connection, Facts
from iot_policies.documents import InvalidDocument, ParsedStatement, decode_document, parse_document

_COGNITO = "cognito-identity.amazonaws.com:"
_TAG = "aws:principaltag/"
_SINGLE = frozenset(
    {"aws:userid", "aws:username", "aws:principalarn", "aws:principalaccount", f"{_COGNITO}sub", f"{_COGNITO}aud"}
)
"""The keys that can also be variables."""
_KEYS = _SINGLE | {
    f"{_COGNITO}amr",
    "aws:currenttime",
    "aws:epochtime",
    "aws:securetransport",
    "aws:sourceip",
    "aws:tokenissuetime",
    "iot:connectattributes",
    "iot:domainname",
    "iot:topic",
}
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERALS = ("*", "?", "$")
_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True)
class Caller:
    """The credentials of a signed request, as condition keys see them."""

    user_id: str
    """`aws:userid`: of a role's session `ROLE-ID:SESSION-NAME`, of a user its ID."""
    account: str
    arn: str
    """`aws:PrincipalArn`: the ARN of the role or user, not that of the session."""
    user_name: str | None = None
    """Only of IAM users."""
    issued_at: float | None = None
    """When temporary credentials were issued, in seconds since 1970; None for a long-term key."""
    tags: Mapping[str, str] = field(default_factory=dict)
    identity_id: str | None = None
    """The identity of a Cognito identity pool, `REGION:UUID`; None for other credentials."""
    identity_pool_id: str | None = None
    login: tuple[str, ...] = ()
    """`cognito-identity.amazonaws.com:amr`: `authenticated` with the provider's name, or `unauthenticated`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConnection(Connection):
    """A connection or an HTTPS request that is signed with Signature Version 4."""

    caller: Caller
    now: float
    """The time of the request, in seconds since 1970."""

    def facts(self) -> Facts:
        """The condition keys of IAM and their values."""
        caller, known = self.caller, Connection.facts(self)
        single = {
            "aws:userid": caller.user_id,
            "aws:username": caller.user_name,
            "aws:principalarn": caller.arn,
            "aws:principalaccount": caller.account,
            "aws:currenttime": _iso(self.now),
            "aws:epochtime": str(int(self.now)),
            "aws:securetransport": "true",
            "aws:tokenissuetime": None if caller.issued_at is None else _iso(caller.issued_at),
            f"{_COGNITO}sub": caller.identity_id,
            f"{_COGNITO}aud": caller.identity_pool_id,
            **{f"{_TAG}{name}".casefold(): value for name, value in caller.tags.items()},
        }
        found: dict[str, Sequence[str]] = {key: () if value is None else (value,) for key, value in single.items()}
        return {**found, f"{_COGNITO}amr": caller.login, **{key: known[key] for key in known if key in _KEYS}}


def parse_iam_document(document: str | Mapping[str, object]) -> tuple[ParsedStatement, ...]:
    """Parses an IAM policy, given as JSON text or as a parsed object. Raises InvalidDocument."""
    parsed = decode_document(document) if isinstance(document, str) else document
    if isinstance(parsed, Mapping) and parsed.get("Version") != _VERSION:
        raise InvalidDocument(f'Version: expected "{_VERSION}": in an older version, variables are plain text')
    statements = parse_document(document)
    for index, statement in enumerate(statements):
        try:
            for text in statement.resources:
                _check_resource(text)
            for condition in statement.conditions:
                _check_condition(condition)
        except ValueError as error:
            raise InvalidDocument(f"Statement[{index}].{error}") from None
    return statements


def _check_resource(text: str) -> None:
    parts = text.split(":", 5)
    if text != "*" and len(parts) < 6:
        raise ValueError(f"Resource: expected an ARN with six parts, or *, found {text}")
    if any("${" in part for part in parts[:5]):
        raise ValueError(f"Resource: a variable is filled only after the fifth colon, found {text}")
    _check_variables("Resource", text)


def _check_condition(condition: Condition) -> None:
    if not is_known_operator(condition):
        raise ValueError(f"Condition: {condition.name} is not a condition operator")
    if condition.key not in _KEYS and not condition.key.startswith(_TAG):
        raise ValueError(f"Condition: {condition.key} is not a condition key that IoT Core on this machine knows")
    for text in condition.values:
        _check_variables("Condition", text)


def _check_variables(place: str, text: str) -> None:
    for name in _VARIABLE.findall(text):
        if name not in _LITERALS and name.casefold() not in _SINGLE and not name.casefold().startswith(_TAG):
            known = "expected ${aws:userid}, ${aws:PrincipalTag/KEY} or ${cognito-identity.amazonaws.com:sub}"
            raise ValueError(f"{place}: ${{{name}}} is not a variable that IoT Core on this machine knows: {known}")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
