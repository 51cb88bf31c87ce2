"""Verifies the signatures of tokens that are signed for IoT Core, before an authorizer's function is invoked."""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from iot_core.authorizers.event import ConnectionRequest
from iot_core.authorizers.refused import Refused
from iot_core.authorizers.rules import AuthorizerDescription
from iot_core.reasons import IotCoreReason

SIGNATURE_KEY = "x-amz-customauthorizer-signature"


def verify_signature(request: ConnectionRequest, authorizer: AuthorizerDescription) -> bool:
    """Verifies a token's signature, RSASSA-PKCS1-v1_5 with SHA-256. Returns False if the authorizer disables signing.

    Raises Refused if the token or its signature is missing or invalid.
    """
    if authorizer.signing_disabled:
        return False
    token = request.find_token(authorizer.token_key_name or "")
    if token is None:
        raise Refused(
            IotCoreReason.TOKEN_MISSING, f"signing is enabled: expected a token under {authorizer.token_key_name}"
        )
    text = request.token_signature or request.find(SIGNATURE_KEY)
    if text is None:
        raise Refused(IotCoreReason.SIGNATURE_MISSING, f"signing is enabled: expected {SIGNATURE_KEY}")
    try:
        signature, message = base64.b64decode(text, validate=True), token.encode()
    except binascii.Error:
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "the token's signature is not standard base64") from None
    except ValueError:  # base64 and UTF-8 cannot hold lone surrogates.
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "the token or its signature is not valid text") from None
    if not any(_verifies(_public_key(pem), signature, message) for pem in authorizer.public_keys.values()):
        raise Refused(IotCoreReason.SIGNATURE_INVALID, "no public key of the authorizer verifies the token's signature")
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
    if not isinstance(key, RSAPublicKey):  # The registry checks keys before it keeps them.
        raise TypeError("expected an RSA key")
    return key
