"""What a user can set, in `cdk.json` for a stage and in Python for the constructs, with its default and its bounds.

1. A property is written here once. The app's `Stage` inherits the properties of the construct and adds its own.
2. Types are checked by pydantic for `cdk.json` and by the user's type checker for Python; `check` tests the bounds, and
   choices also without a type checker: a wrong one would be deployed as another one.
3. A value that only the deployment knows (a token of the CDK) passes every check. It cannot be a boolean, because the
   template depends on it, nor `topic_prefix`, because the policy is checked with it.
4. Nothing here loads the CDK, except for a value that fails its check.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, get_args, get_origin, get_type_hints

from iot_policies.topic_prefix import check_topic_prefix

LONGEST_TIMEOUT = 5
"""Seconds that IoT Core waits for the function (developer guide, "Defining your Lambda function")."""
_MEMORY = (128, 10_240)
"""MB (CreateFunction, MemorySize)."""
_AUTHORIZER_NAME = "[A-Za-z0-9_=,@-]{1,128}"
"""CreateAuthorizer, authorizerName; only ASCII, as in our configuration."""
_HOST = r"(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"

PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
"""The minor versions of Python that this package and Lambda support."""
Days = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""The retention times of CloudWatch Logs (PutRetentionPolicy, retentionInDays)."""


class InvalidSettings(ValueError):
    """Settings that AWS would refuse, or that would not work. The text says what to change."""


@dataclass(frozen=True, kw_only=True)
class AuthorizerProps:
    """How an authorizer and its Lambda function run."""

    memory_size: int = 512
    """MB of the function. Processor time grows with it: less memory makes cold starts longer."""
    timeout: int = LONGEST_TIMEOUT
    """Seconds that the function may take."""
    reserved_concurrency: int | None = None
    """Environments that are reserved for the function and limit it; None shares the account's."""
    provisioned_concurrency: int | None = None
    """Environments that are kept warm; None keeps none warm."""
    snap_start: bool = False
    """Whether environments start from a snapshot."""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    """The processor that the Lambda directory was built for."""
    python: PythonVersion = "3.14"
    """The minor version of Python that the Lambda directory was built for."""
    secret_kms_key_arns: Sequence[str] = ()
    """ARNs of the customer-managed KMS keys that encrypt the secrets of the configuration."""
    tracing: bool = False
    """Whether Lambda sends traces to X-Ray. The X-Ray SDK is not used: its support ends on 2027-02-25."""
    log_retention_days: Days = 30
    """Days that log lines are kept."""
    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    """An INACTIVE authorizer refuses every client, and its credentials endpoint every request."""
    caching_for_http: bool = False
    """Whether IoT Core keeps an answer for an HTTPS connection that stays open. Then `revoke` takes effect later."""
    topic_prefix: str | None = None
    """The levels in front of each topic of the template; None for those of the configuration."""

    def check(self) -> None:
        """Raises InvalidSettings for values that AWS would refuse or that exclude each other."""
        if self.provisioned_concurrency is not None and self.snap_start:
            raise InvalidSettings("provisioned_concurrency, snap_start: set only one: Lambda refuses both together")
        check_choices(self)
        check_number("timeout", self.timeout, 1, LONGEST_TIMEOUT, "seconds: IoT Core waits no longer")
        check_number("memory_size", self.memory_size, *_MEMORY, "MB")
        reserved, provisioned = self.reserved_concurrency, self.provisioned_concurrency
        check_number("reserved_concurrency", reserved, 0, inf, "environments; leave it out to reserve none")
        check_number("provisioned_concurrency", provisioned, 1, inf, "environments; leave it out to keep none warm")
        if reserved is not None and provisioned is not None and 0 <= reserved < provisioned:  # A token is below 0.
            limit = f"at most {reserved}, the reserved_concurrency"
            raise InvalidSettings(f"provisioned_concurrency: found {provisioned}, expected {limit}")
        for arn in self.secret_kms_key_arns:
            check_arn("secret_kms_key_arns", arn, "kms", "key/")
        try:
            check_topic_prefix(self.topic_prefix or "")
        except ValueError as error:
            raise InvalidSettings(f"topic_prefix: found {self.topic_prefix!r}: {error}") from None


@dataclass(frozen=True, kw_only=True)
class DomainProps:
    """A domain configuration whose clients use the authorizer."""

    name: str
    """The name of the domain configuration."""
    protocol: Literal["MQTT_WSS", "SECURE_MQTT"] = "MQTT_WSS"
    """MQTT over WebSocket, or MQTT over TLS without ALPN."""
    allow_authorizer_override: bool = False
    """Whether clients may name another authorizer."""
    domain_name: str | None = None
    """A custom domain; None uses a domain that AWS manages."""
    certificate_arn: str | None = None
    """The certificate of the custom domain in AWS Certificate Manager."""
    validation_certificate_arn: str | None = None
    """A public certificate that proves you own the custom domain, if its certificate is not public."""
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    """A configuration on a domain that AWS manages can be deleted after it was DISABLED for 7 days."""
    tls_policy: str | None = None
    """A security policy such as `IotSecurityPolicy_TLS13_1_2_2022_10`; None uses IoT Core's default."""

    def check(self) -> None:
        """Raises InvalidSettings for values that AWS would refuse or that need another one."""
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise InvalidSettings("domain_name, certificate_arn: set both or neither")
        if self.validation_certificate_arn is not None and self.domain_name is None:
            raise InvalidSettings("validation_certificate_arn: also set domain_name, which it validates")
        check_choices(self)
        check_text("name", self.name, "[A-Za-z0-9_.-]{1,128}", "1 to 128 letters, digits and _.-")
        check_text("domain_name", self.domain_name, _HOST, "a host name such as mqtt.example.com")
        check_arn("certificate_arn", self.certificate_arn, "acm", "certificate/")
        check_arn("validation_certificate_arn", self.validation_certificate_arn, "acm", "certificate/")
        check_text("tls_policy", self.tls_policy, r"Io[Tt]SecurityPolicy_[A-Za-z0-9_]{1,100}", "IotSecurityPolicy_…")


def name_in_iot_core(configured: str, *, signing: bool) -> str:
    """Returns the name that clients send. Signing on and off are two authorizers: UpdateAuthorizer can't change it."""
    return f"{configured}-signed" if signing else configured


def check_authorizer_name(key: str, value: str, note: str = "") -> None:
    """Raises InvalidSettings unless the value is a name that IoT Core accepts for an authorizer."""
    check_text(key, value, _AUTHORIZER_NAME, f"1 to 128 letters, digits and _=,@-{note}")


def check_text(key: str, value: str | None, pattern: str, expected: str) -> None:
    """Raises InvalidSettings unless the value is None or matches the regular expression."""
    if not (value is None or re.fullmatch(pattern, value) or _is_token(value)):
        raise InvalidSettings(f"{key}: found {value!r}, expected {expected}")


def check_arn(key: str, value: str | None, service: str, resource: str) -> None:
    """Raises InvalidSettings unless the value is None or an ARN of the service whose resource part begins so."""
    pattern = rf"arn:aws[a-z-]*:{service}:[a-z0-9-]+:[0-9]{{12}}:{resource}[A-Za-z0-9_./-]+"
    check_text(key, value, pattern, f"an ARN, arn:aws:{service}:REGION:ACCOUNT:{resource}…")


def check_choices(properties: object) -> None:
    """Raises InvalidSettings for a value of a `bool` or a `Literal` that is none of its choices."""
    for key, kind in get_type_hints(type(properties)).items():
        value = getattr(properties, key)
        if kind is bool and not isinstance(value, bool):
            raise InvalidSettings(f"{key}: found {value!r}, expected True or False")
        if get_origin(kind) is Literal and not (value in get_args(kind) or _is_token(value)):
            raise InvalidSettings(f"{key}: found {value!r}, expected one of {', '.join(map(str, get_args(kind)))}")


def check_number(key: str, value: int | None, least: int, most: float, unit: str) -> None:
    """Raises InvalidSettings unless the value is None or within its bounds."""
    if not (value is None or least <= value <= most or _is_token(value)):
        bounds = f"at least {least}" if most == inf else f"{least} to {most}"
        raise InvalidSettings(f"{key}: found {value}, expected {bounds} {unit}")


def _is_token(value: object) -> bool:
    """Returns whether only the deployment knows the value."""
    from aws_cdk import Token  # noqa: PLC0415 (building the Lambda directory needs no CDK)

    return Token.is_unresolved(value)


def plain_name(name: str, punctuation: str, longest: int) -> str:
    """Returns the name with only ASCII letters, digits and the punctuation; a changed name ends with a hash."""
    plain = re.sub(f"[^A-Za-z0-9{re.escape(punctuation)}]", "-", name)
    if plain == name and len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: longest - 9]}-{digest}"
