"""The checks over HTTPS, where a client shows a token: messages and retained messages."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, ConformanceCheck, message, subscribe
from iot_authorizer_cli.commands.conformance.https import NAME_KEY, Headers, ask
from iot_authorizer_cli.commands.conformance.wire import described
from iot_core.mqtt import Publish, Version


def _publish(clients: Clients, kind: str = "open", query: str = "?qos=1", payload: bytes = b"hello") -> str:
    return ask(clients, "POST", f"/topics/{quote(clients.topic(kind), safe='')}{query}", {}, payload)


def _with(clients: Clients, headers: Headers) -> str:
    return ask(clients, "POST", f"/topics/{clients.topic()}?qos=1", headers, b"hello")


def _to_mqtt(clients: Clients) -> str:
    with clients.connected() as wire:
        wire.answer(subscribe(clients.topic()))
        return f"{_publish(clients)}, {described(wire.next_of(Publish))}"


def _from_mqtt(clients: Clients) -> str:
    with clients.connected() as wire:
        wire.answer(message(clients.topic("kept"), retain=True))
        found = ask(clients, "GET", f"/retainedMessage/{quote(clients.topic('kept'), safe='')}", {})
        wire.answer(message(clients.topic("kept"), retain=True, payload=b""))
        return found


_ASKED: Mapping[str, tuple[str, Callable[[Clients], str]]] = {
    "http-publish": ("What does a message by HTTPS get?", _publish),
    "http-publish-refused": ("What does one get that is not allowed?", lambda c: _publish(c, "closed")),
    "http-publish-qos-2": ("What does one with QoS 2 get?", lambda c: _publish(c, query="?qos=2")),
    "http-publish-retain": ("What does one with RETAIN get?", lambda c: _publish(c, "kept", "?qos=1&retain=true", b"")),
    "http-retain-refused": ("What if RETAIN is not allowed?", lambda c: _publish(c, query="?qos=1&retain=true")),
    "http-publish-large": ("What does 128 KB and a byte get?", lambda c: _publish(c, payload=bytes(128 * 1024 + 1))),
    "http-wildcard": ("What does a topic with a + get?", lambda c: ask(c, "POST", "/topics/conformance%2F%2B", {})),
    "http-wrong-token": ("What does a wrong token get?", lambda c: _with(c, {"token": "wrong"})),
    "http-no-token": ("What does a request without a token get?", lambda c: _with(c, {"token": None})),
    "http-no-authorizer": (
        "What does an authorizer that does not exist get?",
        lambda c: _with(c, {NAME_KEY: "conformance-no-such-authorizer"}),
    ),
    "http-header-case": (
        "Are names of headers the same in any case?",
        lambda c: _with(c, {"token": None, "TOKEN": c.endpoint.token}),
    ),
    "http-to-mqtt": ("Does a message by HTTPS arrive by MQTT?", _to_mqtt),
    "http-retained-refused": ("May a custom authorizer's client read a retained message by HTTPS?", _from_mqtt),
}
HTTP_CHECKS: Mapping[str, ConformanceCheck] = MappingProxyType(
    {name: ConformanceCheck(name, asks, run, Version.MQTT_3_1_1) for name, (asks, run) in _ASKED.items()}
)
"""All checks over HTTPS by their names."""
