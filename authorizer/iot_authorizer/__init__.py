"""The custom authorizer that runs in Lambda: it verifies credentials and answers with an exact policy.

With rules of your own, you write one function that verifies credentials and one that grants topics:

    lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""

from typing import TYPE_CHECKING, Final

from iot_policies.lazy_names import lazy_names

if TYPE_CHECKING:
    from iot_authorizer.authorizer import Authorizer
    from iot_authorizer.credentials import Credentials, CredentialSource
    from iot_authorizer.lambda_handler import LambdaHandler
    from iot_authorizer.observer import Observer
    from iot_authorizer.reasons import Reason
    from iot_authorizer.refusal import Refusal
    from iot_authorizer.verified_principal import VerifiedPrincipal
    from iot_policies import Deny, Grant, Principal, Send, SessionTimes
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "iot_authorizer.authorizer": ("Authorizer",),
            "iot_authorizer.credentials": ("CredentialSource", "Credentials"),
            "iot_authorizer.lambda_handler": ("LambdaHandler",),
            "iot_authorizer.observer": ("Observer",),
            "iot_authorizer.reasons": ("Reason",),
            "iot_authorizer.refusal": ("Refusal",),
            "iot_authorizer.verified_principal": ("VerifiedPrincipal",),
            "iot_policies": ("Deny", "Grant", "Principal", "Send", "SessionTimes"),
        },
    )

__version__: Final = "0.1.0"

__all__ = [
    "Authorizer",
    "CredentialSource",
    "Credentials",
    "Deny",
    "Grant",
    "LambdaHandler",
    "Observer",
    "Principal",
    "Reason",
    "Refusal",
    "Send",
    "SessionTimes",
    "VerifiedPrincipal",
]
