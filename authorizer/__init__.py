"""What runs in Lambda: credentials in, an exact policy out.

For rules of your own, a function that proves credentials and one that grants topics are all it takes:

    lambda_handler = LambdaHandler(Authorizer(verify=verify, grant=grant))
"""

import gc

_collecting = gc.isenabled()
gc.disable()  # Modules make no garbage as they load, only work for the collector.

from authorizer.authorizer import Authorizer
from authorizer.credentials import Credentials, Door
from authorizer.lambda_handler import LambdaHandler
from authorizer.observer import Observer
from authorizer.refusal import Reason, Refusal
from authorizer.verified_principal import VerifiedPrincipal
from policies import Deny, Grant, Principal, Session

if _collecting:
    gc.enable()

__all__ = [
    "Authorizer",
    "Credentials",
    "Deny",
    "Door",
    "Grant",
    "LambdaHandler",
    "Observer",
    "Principal",
    "Reason",
    "Refusal",
    "Session",
    "VerifiedPrincipal",
]
