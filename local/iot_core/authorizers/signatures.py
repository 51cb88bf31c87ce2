"""Tokens that are signed for IoT Core: it verifies them before it invokes an authorizer's function."""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from iot_core.authorizers.authorizer_description import AuthorizerDescription
from iot_core.authorizers.event import ConnectionRequest
from iot_core.reasons import IotCoreReason

SIGNATURE_KEY = "x-amz-customauthorizer-signature"


class NotVerified(Exception):
    """IoT Core refuses a client by itself: no function is invoked."""

    def __init__(self, reason: IotCoreReason, detail: str) -> None:
        self.reason = reason
        """Why the token was not verified."""
        self.detail = detail
        """More, in words."""
        super().__init__(f"IoT Core refuses this client by itself: {reason}: {detail}")


def verify_signature(request: ConnectionRequest, authorizer: AuthorizerDescription) -> bool:
    """Whether the token's signature is right, RSASSA-PKCS1-v1_5 with SHA-256. False where signing is off.

    Raises NotVerified where signing is on and the signature is not right.
    """
    if authorizer.signing_disabled:
        return False
    token = request.find_token(authorizer.token_key_name or "")
    if token is None:
        raise NotVerified(
            IotCoreReason.TOKEN_MISSING, f"signing is on: expected a token under {authorizer.token_key_name}"
        )
    text = request.token_signature or request.find(SIGNATURE_KEY)
    if text is None:
        raise NotVerified(IotCoreReason.SIGNATURE_MISSING, f"signing is on: expected {SIGNATURE_KEY}")
    try:
        signature, message = base64.b64decode(text, validate=True), token.encode()
    except binascii.Error:
        raise NotVerified(IotCoreReason.SIGNATURE_INVALID, "the token's signature is no base64") from None
    except ValueError:  # Neither base64 nor a token can hold what is no text.
        raise NotVerified(IotCoreReason.SIGNATURE_INVALID, "the token or its signature is no ASCII") from None
    if not any(_verifies(_public_key(pem), signature, message) for pem in authorizer.public_keys.values()):
        raise NotVerified(
            IotCoreReason.SIGNATURE_INVALID, "none of the authorizer's public keys fits the token's signature"
        )
    return True


def _verifies(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):  # Authorizers are checked when they are made.
        raise TypeError("expected an RSA key")
    return key
