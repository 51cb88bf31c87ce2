"""Topic templates for AWS IoT policies: write what a client may do as MQTT topics, get exactly that.

template = PolicyTemplate.load("policies/chat.toml")
policy = compile_policy(template, Principal("ann", {"rooms": ["lobby"]}))
documents = policy.documents(AccountRegion("eu-west-1", "123456789012"))
"""

from typing import TYPE_CHECKING

from iot_policies.lazy_names import lazy_names

if TYPE_CHECKING:
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
    from iot_policies.grants import Deny, Grant, Send
    from iot_policies.placeholders import is_safe
    from iot_policies.policy_plan import PolicyPlan
    from iot_policies.principal import Claims, Principal, claim
    from iot_policies.session_times import SessionTimes
    from iot_policies.template import PolicyTemplate
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "iot_policies.account_region": ("AccountRegion",),
            "iot_policies.compiler": ("Policy", "compile_policy"),
            "iot_policies.errors": (
                "AmbiguousClaim",
                "InvalidFile",
                "InvalidName",
                "InvalidTopics",
                "NothingGranted",
                "PolicyError",
                "PolicyTooLarge",
                "UnclearDenial",
                "UnsafeValue",
            ),
            "iot_policies.grants": ("Deny", "Grant", "Send"),
            "iot_policies.placeholders": ("is_safe",),
            "iot_policies.policy_plan": ("PolicyPlan",),
            "iot_policies.principal": ("Claims", "Principal", "claim"),
            "iot_policies.session_times": ("SessionTimes",),
            "iot_policies.template": ("PolicyTemplate",),
        },
    )

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
    "PolicyPlan",
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
