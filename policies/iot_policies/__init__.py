"""Topic templates for AWS IoT policies: write what a client may do as MQTT topics, get exactly that.

template = PolicyTemplate.load("policies/chat.toml")
policy = compile_policy(template, Principal("ann", {"rooms": ["lobby"]}))
documents = policy.documents(AccountRegion("eu-west-1", "123456789012"))
"""

from iot_policies.account_region import AccountRegion
from iot_policies.compiler import Policy, compile_policy
from iot_policies.errors import (
    AmbiguousClaim,
    InvalidFile,
    InvalidName,
    InvalidTopics,
    NothingGranted,
    PolicyError,
    PolicyTooLarge,
    UnclearDenial,
    UnsafeValue,
)
from iot_policies.grants import Deny, Grant, Send, SessionTimes
from iot_policies.placeholders import is_safe
from iot_policies.principal import Claims, Principal, claim
from iot_policies.template import PolicyTemplate

__all__ = [
    "AccountRegion",
    "AmbiguousClaim",
    "Claims",
    "Deny",
    "Grant",
    "InvalidFile",
    "InvalidName",
    "InvalidTopics",
    "NothingGranted",
    "Policy",
    "PolicyError",
    "PolicyTemplate",
    "PolicyTooLarge",
    "Principal",
    "Send",
    "SessionTimes",
    "UnclearDenial",
    "UnsafeValue",
    "claim",
    "compile_policy",
    "is_safe",
]
