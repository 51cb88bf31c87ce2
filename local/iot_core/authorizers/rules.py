"""Describes an authorizer, and checks it by IoT Core's rules (API_CreateAuthorizer, API_UpdateAuthorizer).

Limits and patterns are those of botocore's model `iot`. The messages, and rules that AWS's pages leave out, such as
the number of keys, are IoT Core's own: the public compatibility tests of floci-io/floci (IotAuthorizerTest) measured
them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

LEAST_KEY_BITS = 2048
MOST_KEYS = 2
"""Public keys of one authorizer: enough to replace one by another."""
Status = Literal["ACTIVE", "INACTIVE"]
STATUSES = get_args(Status)

_NAME = re.compile(r"[\w=,@-]+", re.ASCII)
_TOKEN_KEY_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_KEY_NAME = re.compile(r"[a-zA-Z0-9:_-]+")
_MOST_NAME = 128
_MOST_KEY = 5120
_FUNCTION_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?",
    re.ASCII,
)
_KEY_HEADER = re.compile(r"^-----BEGIN (RSA )?PUBLIC KEY-----\r?$", re.MULTILINE)
"""IoT Core reads PEM line by line: a header must be the only text on its line."""


class AuthorizerError(Exception):
    """An operation on an authorizer that IoT Core refuses. Its text is IoT Core's message."""


class InvalidAuthorizer(AuthorizerError, ValueError):
    """IoT Core does not accept the description of an authorizer, or a change of it."""


class UnknownAuthorizer(AuthorizerError, LookupError):
    """There is no authorizer of that name, or no default authorizer."""


class AuthorizerExists(AuthorizerError):
    """An authorizer of that name exists already, or is the default already."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        """The name of the authorizer."""
        super().__init__(message)


class AuthorizerInUse(AuthorizerError):
    """The default authorizer cannot be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizerDescription:
    """An authorizer, as DescribeAuthorizer shows it."""

    name: str
    function_arn: str
    token_key_name: str | None = None
    """The name under which a client sends its token."""
    public_keys: dict[str, str] = field(default_factory=dict)
    """The keys that verify tokens' signatures: PEM by name."""
    status: Status = "INACTIVE"
    """INACTIVE is IoT Core's default."""
    signing_disabled: bool = False
    enable_caching_for_http: bool = False
    creation_date: float
    """Seconds since 1970."""
    last_modified_date: float
    """Seconds since 1970."""

    def check(self) -> None:
        """Checks all of it by IoT Core's rules. Raises InvalidAuthorizer."""
        check_name(self.name)
        check_status(self.status)
        if self.token_key_name is not None:
            check_token_key_name(self.token_key_name)
        check_function_arn(self.name, self.function_arn)
        check_signing(self.name, self.token_key_name, self.public_keys, self.signing_disabled)
        check_public_keys(self.name, self.public_keys)


def violation(member: str, *constraints: str) -> str:
    """IoT Core's message for a member of a request that breaks constraints, such as "Member must not be null"."""
    found = "; ".join(f"Value at '{member}' failed to satisfy constraint: {constraint}" for constraint in constraints)
    return f"{len(constraints)} validation error{'s' if len(constraints) > 1 else ''} detected: {found}"


def check_name(name: str) -> None:
    """Checks an authorizer's name. Raises InvalidAuthorizer."""
    _check_text("authorizerName", name, _NAME)


def check_token_key_name(name: str) -> None:
    """Checks a token key name. Raises InvalidAuthorizer."""
    _check_text("tokenKeyName", name, _TOKEN_KEY_NAME)


def check_status(status: str) -> None:
    """Checks a status. Raises InvalidAuthorizer."""
    if status not in STATUSES:
        raise InvalidAuthorizer(violation("status", f"Member must satisfy enum value set: [{', '.join(STATUSES)}]"))


def check_function_arn(name: str, arn: str) -> None:
    """Checks the ARN of an authorizer's function; the function need not exist. Raises InvalidAuthorizer."""
    if not _FUNCTION_ARN.fullmatch(arn):
        raise InvalidAuthorizer(f"Lambda function arn for authorizer {name} is not in proper ARN syntax")


def is_key_name(name: str) -> bool:
    """Whether a text is a valid name of a public key."""
    return _KEY_NAME.fullmatch(name) is not None and len(name) <= _MOST_NAME


def check_public_keys(name: str, public_keys: Mapping[str, str]) -> None:
    """Checks public keys in PEM by their names. Raises InvalidAuthorizer."""
    for key_name, pem in public_keys.items():
        if not is_key_name(key_name):
            constraint = f"Map keys must have 1 to {_MOST_NAME} characters of {_KEY_NAME.pattern.removesuffix('+')}"
            raise InvalidAuthorizer(violation("tokenSigningPublicKeys", constraint))
        if len(pem) > _MOST_KEY:
            constraint = f"Map values must have length less than or equal to {_MOST_KEY}"
            raise InvalidAuthorizer(violation("tokenSigningPublicKeys", constraint))
    if len(public_keys) > MOST_KEYS:
        raise InvalidAuthorizer(
            f"Token signing keys map for authorizer {name} cannot contain more than {MOST_KEYS} keys"
        )
    for key_name, pem in public_keys.items():
        read_public_key(name, key_name, pem)


def check_signing(name: str, token_key_name: str | None, public_keys: Mapping[str, str], disabled: bool) -> None:
    """Checks that signing has a token key name and keys, and disabled signing no keys. Raises InvalidAuthorizer."""
    if disabled and public_keys:
        raise InvalidAuthorizer(
            f"Token signing keys map must be null for authorizer {name} if using optional signature header"
        )
    if not disabled and token_key_name is None:
        raise InvalidAuthorizer(f"Token key name for authorizer {name} cannot be null")
    if not disabled and not public_keys:
        raise InvalidAuthorizer(
            f"Token signing keys map for authorizer {name} cannot be null or empty. "
            "There must be at least one and at most two token signing public keys in the map"
        )


def read_public_key(name: str, key_name: str, pem: str) -> RSAPublicKey:
    """Reads a public key of an authorizer: RSA, 2,048 bits or more. Raises InvalidAuthorizer."""
    if not pem:
        raise InvalidAuthorizer(f"Token signing public keys for authorizer {name} cannot be null or empty")
    if "PRIVATE KEY" in pem:
        raise InvalidAuthorizer(f"Cannot convert public key PEM for authorizer {name} to RSA key")
    try:
        key = load_pem_public_key(pem.encode()) if _KEY_HEADER.search(pem) else None
    except ValueError:
        raise InvalidAuthorizer(f"Cannot convert public key PEM for authorizer {name} to RSA key") from None
    about = f"Authorizer {name} public key for key name {key_name}"
    if not isinstance(key, RSAPublicKey):
        raise InvalidAuthorizer(f"{about} not a valid RSA key")
    if key.key_size < LEAST_KEY_BITS:
        raise InvalidAuthorizer(f"{about} invalid: Key must be {LEAST_KEY_BITS} bits but was {key.key_size} bits")
    return key


def _check_text(member: str, text: str, pattern: re.Pattern[str]) -> None:
    constraints = []
    if not pattern.fullmatch(text):
        constraints.append(f"Member must satisfy regular expression pattern: {pattern.pattern}")
    if not text:
        constraints.append("Member must have length greater than or equal to 1")
    if len(text) > _MOST_NAME:
        constraints.append(f"Member must have length less than or equal to {_MOST_NAME}")
    if constraints:
        raise InvalidAuthorizer(violation(member, *constraints))
