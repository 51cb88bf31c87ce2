"""The checks of TLS: which ALPN names, ports and server names a client with a user name and password gets in with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck
from iot_authorizer_cli.commands.conformance.https import ask
from iot_authorizer_cli.commands.conformance.wire import Endpoint, NotTried

_HTTPS, _MQTT = 443, 8883


def _with(clients: Clients, **changes: object) -> str:
    """What a CONNECT is answered at an endpoint with changes."""
    endpoint: Endpoint = replace(clients.endpoint, **changes)  # type: ignore[arg-type]  # The checks name its fields.
    return replace(clients, endpoint=endpoint).answer(clients.client_id())


def _at(clients: Clients, port: int, alpn: str | None) -> str:
    """The same at a port of IoT Core. On this machine, one port with any number stands for all of them."""
    if clients.endpoint.port != _HTTPS:
        raise NotTried("needs an endpoint on port 443: on this machine, one port is used like 443 and 8883")
    return _with(clients, port=port, alpn=alpn)


_ASKED: Mapping[str, tuple[str, Callable[[Clients], str]]] = {
    "alpn-certificates": (
        "What does a password get with the ALPN name for certificates, x-amzn-mqtt-ca?",
        lambda c: _with(c, alpn="x-amzn-mqtt-ca"),
    ),
    "alpn-http": ("What does MQTT get with the ALPN name http/1.1?", lambda c: _with(c, alpn="http/1.1")),
    "alpn-missing": ("What does MQTT get on port 443 without ALPN?", lambda c: _at(c, _HTTPS, None)),
    "port-8883": ("What does a password get on port 8883?", lambda c: _at(c, _MQTT, None)),
    "server-name-missing": (
        "What does a client get that sends no server name (SNI)?",
        lambda c: _with(c, sends_server_name=False),
    ),
    "alpn-https-certificates": (
        "What does a token by HTTPS get with the ALPN name for certificates, x-amzn-http-ca?",
        lambda c: ask(c, "POST", f"/topics/{c.topic()}?qos=1", {}, b"hello", alpn="x-amzn-http-ca"),
    ),
}
TLS_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {name: ConformanceCheck(name, asks, run) for name, (asks, run) in _ASKED.items()}
)
"""All of them by their names."""
