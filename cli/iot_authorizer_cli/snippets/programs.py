"""The program of each client: a template in this folder, and the values that fill it."""

import shlex
from typing import Literal, get_args

from iot_authorizer_cli.snippets.browser import TAB
from iot_authorizer_cli.snippets.settings import ClientEndpoint, ClientSettings, encoded
from iot_authorizer_cli.snippets.templates import filled, literal

Program = Literal["mqtt.js", "paho", "awsiotsdk", "mosquitto", "curl"]
Client = Literal["browser", "mqtt.js", "paho", "awsiotsdk", "mosquitto", "curl"]
"""A program, or the page of a browser."""
Transport = Literal["ws", "mqtt"]
"""MQTT over WebSocket, or plain MQTT."""
CLIENTS: tuple[Client, ...] = get_args(Client)

_TRANSPORTS: dict[Program, tuple[Transport, ...]] = {
    "mqtt.js": ("ws",),
    "paho": ("ws", "mqtt"),
    "awsiotsdk": ("mqtt", "ws"),
    "mosquitto": ("mqtt",),
    "curl": (),
}
"""The transports that each client supports here, its default first."""
WITH_TLS: tuple[Client, ...] = ("awsiotsdk", "mosquitto", "curl")
"""The clients that use the local TLS port by default. MQTT.js does not, since browsers do not trust the local CA."""
_PUBLISHED = "published; the policy lets no published message come back to this client"
_PUBLISHED_ONLY = "published; a subscriber would need a second client ID"


def default_endpoint(client: Client) -> ClientEndpoint:
    """The endpoint of `iot-authorizer dev` that a client uses by default."""
    return (
        ClientEndpoint("127.0.0.1", 8443, tls=True)
        if client in WITH_TLS
        else ClientEndpoint("127.0.0.1", 8080, tls=False)
    )


def snippet(client: Program, settings: ClientSettings, transport: Transport | None = None) -> str:
    """Makes the program for a client; without a transport, the client's default one.

    Raises ValueError if the client cannot do what is asked.
    """
    transports = _TRANSPORTS[client]
    if transport is not None and transport not in transports:
        supported = " or ".join(transports) or "only HTTPS"
        raise ValueError(f"{client} does not support the transport {transport} here: it uses {supported}")
    chosen = transport or next(iter(transports), None)
    match client:
        case "mqtt.js":
            return _mqtt_js(settings)
        case "paho":
            return _paho(settings, chosen == "ws")
        case "awsiotsdk":
            return _awsiotsdk(settings, chosen == "ws")
        case "mosquitto":
            return _mosquitto(settings)
        case "curl":
            return _curl(settings)


def client_ids(client: Client, name: str) -> tuple[str, ...]:
    """Makes the client IDs of a client's connections from one name; empty for HTTPS."""
    match client:
        case "mosquitto":
            return f"{name}/sub", f"{name}/pub"
        case "browser":
            return (f"{name}/{TAB}",)
        case "curl":
            return ()
        case _:
            return (name,)


def subscribes(client: Client, ids: tuple[str, ...], hears_itself: bool) -> bool:
    """Whether the program for a client subscribes, given its client IDs.

    mosquitto_sub needs a connection of its own, and fails if no message arrives. So only a program that receives its
    own messages runs it.
    """
    return bool(ids) and (client != "mosquitto" or (hears_itself and len(ids) > 1))


def _mqtt_js(settings: ClientSettings) -> str:
    ca = literal(settings.ca)
    return filled(
        "mqtt_js.template",
        url=literal(settings.endpoint.url("ws", _path(settings))),
        import_ca='import { readFileSync } from "node:fs";' if ca else None,
        ca=f"readFileSync({ca})" if ca else None,
        where="In a browser, it only needs an import map or a bundler for the name mqtt." if not ca else None,
        client_id=literal(settings.client_ids[0]),
        user_name=literal(settings.user_name),
        password=literal(settings.password),
        topic=literal(settings.topic),
        topic_filter=literal(settings.topic_filter),
        **_ending(settings),
    )


def _paho(settings: ClientSettings, websocket: bool) -> str:
    tls = {"ca_certs": literal(settings.ca), "alpn_protocols": None if websocket else '["mqtt"]'}
    user_name = settings.user_name if websocket else settings.mqtt_user_name
    credentials = filter(None, (literal(user_name), literal(settings.password)))
    return filled(
        "paho.template",
        transport=literal("websockets" if websocket else "tcp"),
        path=literal(_path(settings)) if websocket else None,
        credentials=", ".join(credentials) or None,
        tls=", ".join(f"{name}={value}" for name, value in tls.items() if value) if settings.endpoint.tls else None,
        host=literal(settings.endpoint.host),
        port=str(settings.endpoint.port),
        client_id=literal(settings.client_ids[0]),
        topic=literal(settings.topic),
        topic_filter=literal(settings.topic_filter),
        **_ending(settings),
    )


def _awsiotsdk(settings: ClientSettings, websocket: bool) -> str:
    if not settings.endpoint.tls:
        raise ValueError("awsiotsdk supports only TLS: give the TLS endpoint as https://HOST:PORT")
    token, authorizer = settings.token, settings.authorizer
    return filled(
        "awsiotsdk.template",
        builder=f"{'websockets' if websocket else 'direct'}_with_custom_authorizer",
        host=literal(settings.endpoint.host),
        port=str(settings.endpoint.port),
        ca=literal(settings.ca),
        client_id=literal(settings.client_ids[0]),
        authorizer=literal(authorizer and encoded(authorizer)),
        token_key_name=literal(token and settings.query_key),
        token=literal(token and encoded(token)),  # The SDK encodes the signature, but not the token.
        signature=literal(settings.signature),
        user_name=literal(settings.user_name),
        password=literal(settings.password),
        topic=literal(settings.topic),
        topic_filter=literal(settings.topic_filter),
        **_ending(settings),
    )


def _mosquitto(settings: ClientSettings) -> str:
    endpoint = settings.endpoint
    options = ["-h", endpoint.host, "-p", str(endpoint.port), "-V", "5"]
    if endpoint.tls:
        trust = ["--cafile", str(settings.ca)] if settings.ca else ["--tls-use-os-certs"]
        options += [*trust, "--tls-alpn", "mqtt"]
    if settings.mqtt_user_name:
        options += ["-u", settings.mqtt_user_name]
    if settings.password is not None:
        options += ["-P", settings.password]
    hears_itself = subscribes("mosquitto", settings.client_ids, settings.hears_itself)
    return filled(
        "mosquitto.template",
        options=shlex.join(options),
        subscriber=shlex.quote(settings.client_ids[0]),
        publisher=shlex.quote(settings.client_ids[-1]),
        topic=shlex.quote(settings.topic),
        topic_filter=shlex.quote(settings.topic_filter),
        heard="" if hears_itself else None,
        unheard=None if hears_itself else "",
        published=shlex.quote(_PUBLISHED_ONLY if settings.hears_itself else _PUBLISHED),
    )


def _curl(settings: ClientSettings) -> str:
    if settings.user_name is not None:
        raise ValueError("publishing over HTTPS needs a token: it has no user name and password")
    trust = ["--cacert", str(settings.ca)] if settings.ca else []
    url = settings.endpoint.url("http", f"/topics/{encoded(settings.topic)}?qos=1")
    lines = [
        ["curl", "--silent", "--show-error", "--fail-with-body", *trust],
        *(["--header", f"{name}: {value}"] for name, value in settings.headers),
        ["--data-binary", "Hello from curl", "--write-out", r"\n", url],
    ]
    return " \\\n  ".join(map(shlex.join, lines)) + "\n"


def _ending(settings: ClientSettings) -> dict[str, str | None]:
    """The values that decide when a program ends: after its own message, or after the acknowledgment."""
    heard = settings.hears_itself
    missed = "no message arrived within 10 seconds" if heard else "no acknowledgment arrived within 10 seconds"
    return {
        "heard": "" if heard else None,
        "unheard": None if heard else "",
        "published": literal(_PUBLISHED),
        "missed": literal(missed),
    }


def _path(settings: ClientSettings) -> str:
    return f"/mqtt?{settings.query}" if settings.query else "/mqtt"
