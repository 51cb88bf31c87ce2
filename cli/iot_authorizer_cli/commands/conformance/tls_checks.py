"""The checks of TLS: which ALPN names, ports and server names a client with a user name and password gets in with."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of
from iot_authorizer_cli.commands.conformance.https import ask
from iot_authorizer_cli.commands.conformance.wire import NotTried

_HTTPS, _MQTT, _CERTIFICATES = 443, 8883, 8443


def _at(clients: Clients, port: int) -> Clients:
    """The client at a port of IoT Core, without ALPN. On this machine, one port is for all of them."""
    if clients.endpoint.port != _HTTPS:
        raise NotTried("needs an endpoint on port 443: on this machine, one port is used like all ports of IoT Core")
    return replace(clients, endpoint=replace(clients.endpoint, port=port, alpn=None))


def _with_alpn(clients: Clients, alpn: str) -> Clients:
    return replace(clients, endpoint=replace(clients.endpoint, alpn=alpn))


def _connect(clients: Clients) -> str:
    return clients.answer(clients.client_id())


def _publish(clients: Clients, alpn: str | None = None) -> str:
    return ask(clients, "POST", f"/topics/{quote(clients.topic(), safe='')}?qos=1", {}, b"hello", alpn)


_ASKED: Mapping[str, tuple[str, Run]] = {
    "alpn-certificates": (
        "What does a password get with the ALPN name for certificates, x-amzn-mqtt-ca?",
        lambda c: _connect(_with_alpn(c, "x-amzn-mqtt-ca")),
    ),
    "alpn-http": ("What does MQTT get with the ALPN name http/1.1?", lambda c: _connect(_with_alpn(c, "http/1.1"))),
    "alpn-mqtt": ("What does a token by HTTPS get with the ALPN name mqtt?", lambda c: _publish(c, "mqtt")),
    "alpn-missing": ("What does MQTT get on port 443 without ALPN?", lambda c: _connect(_at(c, _HTTPS))),
    "port-8883": ("What does a password get on port 8883?", lambda c: _connect(_at(c, _MQTT))),
    "port-8443": ("What does a token by HTTPS get on port 8443?", lambda c: _publish(_at(c, _CERTIFICATES))),
    "server-name-missing": (
        "What does a client get that sends no server name (SNI)?",
        lambda c: _connect(replace(c, endpoint=replace(c.endpoint, sends_server_name=False))),
    ),
    "alpn-https-certificates": (
        "What does a token by HTTPS get with the ALPN name for certificates, x-amzn-http-ca?",
        lambda c: _publish(c, "x-amzn-http-ca"),
    ),
}
TLS_CHECKS = checks_of(_ASKED)
"""All of them by their names."""
