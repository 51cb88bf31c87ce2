"""What runs in Lambda: credentials in, an exact policy out.

For rules of your own, a function that proves credentials and one that grants topics are all it takes:

    lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""

import gc

_collecting = gc.isenabled()
gc.disable()  # Modules make no garbage as they load, only work for the collector.

from iot_authorizer.authorizer import Authorizer
from iot_authorizer.credentials import Credentials, CredentialSource
from iot_authorizer.lambda_handler import LambdaHandler
from iot_authorizer.observer import Observer
from iot_authorizer.reasons import Reason
from iot_authorizer.refusal import Refusal
from iot_authorizer.verified_principal import VerifiedPrincipal
from iot_policies import Deny, Grant, Principal, SessionTimes

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
    "SessionTimes",
    "VerifiedPrincipal",
]
