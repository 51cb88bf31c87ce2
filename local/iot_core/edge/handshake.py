"""TLS handshakes that fail, and why."""

import ssl
from collections.abc import Callable

_DISTRUST = {"TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_BAD_CERTIFICATE"}
_NO_TLS = {"HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"}
_OLD = {"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "TLSV1_ALERT_PROTOCOL_VERSION"}
"""OpenSSL's names (openssl/sslerr.h)."""


def tell_failures(context: ssl.SSLContext, tell: Callable[[str], None]) -> None:
    """Lets `tell` know why a handshake failed: event loops tell nobody.

    A client that leaves without a word is none of these, and neither is one that never says anything.
    """

    class Handshake(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError):
                raise
            except ssl.SSLError as error:
                tell(_why(error))
                raise

    context.sslobject_class = Handshake


def _why(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if reason in _DISTRUST:
        return "the client does not trust the certificate: give it ca.pem, and a host name that is in the certificate"
    if reason in _NO_TLS:
        return "no TLS: that is for the plain port"
    if reason in _OLD:
        return "a version of TLS before 1.2"
    return reason.lower().replace("_", " ") or str(error)
