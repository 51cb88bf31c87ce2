"""TLS of the server, with a certificate that the local certificate authority issues at each start, or the user's own.

It also reports why a handshake failed and which server name a client asked for, because event loops do not.
"""

import ssl
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

_FOR_CERTIFICATES = ("x-amzn-mqtt-ca", "x-amzn-http-ca")
ALPN = ("mqtt", "http/1.1", *_FOR_CERTIFICATES)
"""The protocols that IoT Core serves on one port (developer guide, "Device communication protocols")."""

# OpenSSL's names of errors (openssl/sslerr.h).
_DISTRUST = {"TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_BAD_CERTIFICATE"}
_NO_TLS = {"HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"}
_OLD = {"UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "TLSV1_ALERT_PROTOCOL_VERSION"}


class ServerCertificate(Protocol):
    """A certificate of the server, with its private key."""

    def configure_cert(self, ctx: ssl.SSLContext, /) -> None:
        """Lets a context use it."""


class ServerTls:
    """The server's side of TLS handshakes."""

    def __init__(self, certificate: ServerCertificate) -> None:
        """Uses this certificate of the server."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate.configure_cert(self.context)
        self.context.set_alpn_protocols(list(ALPN))
        self.context.sni_callback = self._note_server_name
        self._server_names: WeakKeyDictionary[ssl.SSLObject, str] = WeakKeyDictionary()

    def server_name(self, tls: ssl.SSLObject) -> str | None:
        """The server name that the client asked for in its handshake; None if it asked for none."""
        return self._server_names.get(tls)

    def on_failure(self, tell: Callable[[str], None]) -> None:
        """Calls `tell` with the reason of each failed handshake.

        A client that closes its connection, or sends nothing, is not a failed handshake.
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

        self.context.sslobject_class = Handshake

    def _note_server_name(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            self._server_names[tls] = name


def not_for_authorizers(alpn: str | None, port: int, *, mqtt: bool) -> str | None:
    """Why IoT Core asks no custom authorizer about a TLS connection; None if it does.

    `mqtt` is False for WebSocket and HTTPS. Source: developer guide, "Device communication protocols". The TLS port
    of this server is used like both ports, 443 and 8883, of IoT Core, unless it has one of these numbers itself.
    unmeasured (check server-name-missing): whether a custom authorizer is asked about a client that sends no server
    name (assumed: yes).
    unmeasured (check alpn-http): that MQTT after the ALPN name http/1.1 is refused (assumed).
    unmeasured (reported, https://github.com/aws/aws-iot-device-sdk-java-v2/pull/329, 25 October 2022; check alpn-mqtt):
    that a WebSocket or HTTPS after the ALPN name mqtt is refused.
    unmeasured: which of the rules for ALPN and ports a domain configuration with an authentication type lifts.
    """
    if alpn in _FOR_CERTIFICATES:
        return f"ALPN {alpn} is only for client certificates: use {'mqtt' if mqtt else 'http/1.1'}"
    if alpn is None and mqtt and port == 443:
        return "MQTT on port 443 without ALPN: use ALPN mqtt"
    if not mqtt and port == 8883:
        return "WebSocket or HTTPS on port 8883, which is for MQTT: use port 443"
    return None


def _why(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if reason in _DISTRUST:
        return "the client does not trust the certificate: give it the CA's, and use a host name of the server's one"
    if reason in _NO_TLS:
        return "not TLS: use the plain port for this"
    if reason in _OLD:
        return "a TLS version before 1.2"
    return reason.lower().replace("_", " ") or str(error)
