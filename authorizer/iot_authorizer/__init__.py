"""The custom authorizer that runs in Lambda: it verifies credentials and answers with an exact policy.

With rules of your own, you write one function that verifies credentials and one that grants topics:

    lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""

import gc

_collecting = gc.isenabled()
gc.disable()  # Importing makes no garbage, but would run the collector.

from iot_authorizer.authorizer import Authorizer
from iot_authorizer.credentials import Credentials, CredentialSource
from iot_authorizer.lambda_handler import LambdaHandler
from iot_authorizer.observer import Observer
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import Deny, Grant, Principal, Send, SessionTimes

if _collecting:
    gc.enable()

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
