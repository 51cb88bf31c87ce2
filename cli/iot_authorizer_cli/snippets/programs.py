"""One program a client: a template beside this file, and what goes into it."""

import json
import re
import shlex
from importlib.resources import files
from typing import Literal, get_args

from iot_authorizer_cli.snippets.endpoint import Endpoint
from iot_authorizer_cli.snippets.settings import ClientSettings, encoded

Client = Literal["mqtt.js", "paho", "awsiotsdk", "mosquitto", "curl"]
Transport = Literal["ws", "mqtt"]
"""MQTT over WebSocket, or MQTT itself."""
CLIENTS: tuple[Client, ...] = get_args(Client)

_TRANSPORTS: dict[Client, tuple[Transport, ...]] = {
    "mqtt.js": ("ws",),
    "paho": ("ws", "mqtt"),
    "awsiotsdk": ("mqtt", "ws"),
    "mosquitto": ("mqtt",),
    "curl": (),
}
"""What each speaks here; its own choice stands first."""
WITH_TLS: tuple[Client, ...] = ("awsiotsdk", "mosquitto", "curl")
"""Those that meet the local TLS port unless told otherwise: browsers don't know its CA, so MQTT.js does not."""
_PUBLISHED = "published; nothing that it may receive comes back to it"
_PUBLISHED_ALONE = "published; with one client ID nothing can listen meanwhile"

_PLACEHOLDER = re.compile(r"<<(\w+)>>")


def default_endpoint(client: Client) -> Endpoint:
    """The port of `iot-authorizer dev` that a client meets first."""
    return Endpoint("127.0.0.1", 8443, tls=True) if client in WITH_TLS else Endpoint("127.0.0.1", 8080, tls=False)


def snippet(client: Client, settings: ClientSettings, transport: Transport | None = None) -> str:
    """The program for a client; the transport is the client's own choice unless given.

    Raises ValueError for what the client can't do.
    """
    transports = _TRANSPORTS[client]
    if transport is not None and transport not in transports:
        spoken = " or ".join(transports) or "HTTPS alone"
        raise ValueError(f"{client} has no transport {transport} here: it speaks {spoken}")
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
    """The client IDs of a client's connections, made from one; none for HTTPS."""
    match client:
        case "mosquitto":
            return f"{name}/sub", f"{name}/pub"
        case "curl":
            return ()
        case _:
            return (name,)


def subscribes(client: Client, ids: tuple[str, ...], hears_itself: bool) -> bool:
    """Whether the program for a client subscribes, given its client IDs.

    mosquitto_sub is a connection of its own, and fails where nothing comes: it is for a program that hears itself.
    """
    return bool(ids) and (client != "mosquitto" or (hears_itself and len(ids) > 1))


def _mqtt_js(settings: ClientSettings) -> str:
    ca = _literal(settings.ca)
    return _filled(
        "mqtt_js.template",
        url=_literal(settings.endpoint.url("ws", _path(settings))),
        import_ca='import { readFileSync } from "node:fs";' if ca else None,
        ca=f"readFileSync({ca})" if ca else None,
        where="In a browser it needs an import map or a bundler for the name mqtt, and nothing else."
        if not ca
        else None,
        client_id=_literal(settings.client_ids[0]),
        user_name=_literal(settings.user_name),
        password=_literal(settings.password),
        topic=_literal(settings.topic),
        topic_filter=_literal(settings.topic_filter),
        **_ending(settings),
    )


def _paho(settings: ClientSettings, websocket: bool) -> str:
    tls = {"ca_certs": _literal(settings.ca), "alpn_protocols": None if websocket else '["mqtt"]'}
    user_name = settings.user_name if websocket else settings.mqtt_user_name
    credentials = filter(None, (_literal(user_name), _literal(settings.password)))
    return _filled(
        "paho.template",
        transport=_literal("websockets" if websocket else "tcp"),
        path=_literal(_path(settings)) if websocket else None,
        credentials=", ".join(credentials) or None,
        tls=", ".join(f"{name}={value}" for name, value in tls.items() if value) if settings.endpoint.tls else None,
        host=_literal(settings.endpoint.host),
        port=str(settings.endpoint.port),
        client_id=_literal(settings.client_ids[0]),
        topic=_literal(settings.topic),
        topic_filter=_literal(settings.topic_filter),
        **_ending(settings),
    )


def _awsiotsdk(settings: ClientSettings, websocket: bool) -> str:
    if not settings.endpoint.tls:
        raise ValueError("awsiotsdk speaks TLS alone: name the TLS port with https://HOST:PORT")
    token, authorizer = settings.token, settings.authorizer
    return _filled(
        "awsiotsdk.template",
        builder=f"{'websockets' if websocket else 'direct'}_with_custom_authorizer",
        host=_literal(settings.endpoint.host),
        port=str(settings.endpoint.port),
        ca=_literal(settings.ca),
        client_id=_literal(settings.client_ids[0]),
        authorizer=_literal(authorizer and encoded(authorizer)),
        token_key_name=_literal(token and settings.query_key),
        token=_literal(token and encoded(token)),  # The SDK leaves this encoding to its users, but not the signature's.
        signature=_literal(settings.signature),
        user_name=_literal(settings.user_name),
        password=_literal(settings.password),
        topic=_literal(settings.topic),
        topic_filter=_literal(settings.topic_filter),
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
    return _filled(
        "mosquitto.template",
        options=shlex.join(options),
        subscriber=shlex.quote(settings.client_ids[0]),
        publisher=shlex.quote(settings.client_ids[-1]),
        topic=shlex.quote(settings.topic),
        topic_filter=shlex.quote(settings.topic_filter),
        heard="" if hears_itself else None,
        unheard=None if hears_itself else "",
        published=shlex.quote(_PUBLISHED_ALONE if settings.hears_itself else _PUBLISHED),
    )


def _curl(settings: ClientSettings) -> str:
    if settings.user_name is not None:
        raise ValueError("HTTPS publishing takes tokens alone, no user name and password")
    trust = ["--cacert", str(settings.ca)] if settings.ca else []
    url = settings.endpoint.url("http", f"/topics/{encoded(settings.topic)}?qos=1")
    lines = [
        ["curl", "--silent", "--show-error", "--fail-with-body", *trust],
        *(["--header", f"{name}: {value}"] for name, value in settings.headers),
        ["--data-binary", "Hello from curl", "--write-out", r"\n", url],
    ]
    return " \\\n  ".join(map(shlex.join, lines)) + "\n"


def _ending(settings: ClientSettings) -> dict[str, str | None]:
    """What tells when a program is through: the lines of one that hears itself, or of one that does not."""
    heard = settings.hears_itself
    missed = "nothing arrived within 10 seconds" if heard else "nothing was acknowledged within 10 seconds"
    return {
        "heard": "" if heard else None,
        "unheard": None if heard else "",
        "published": _literal(_PUBLISHED),
        "missed": _literal(missed),
    }


def _path(settings: ClientSettings) -> str:
    return f"/mqtt?{settings.query}" if settings.query else "/mqtt"


def _literal(text: object | None) -> str | None:
    """A string literal, alike in Python and JavaScript for text without control characters."""
    return None if text is None else json.dumps(str(text), ensure_ascii=False)


def _filled(template: str, **values: str | None) -> str:
    """The template with its placeholders filled in, without the lines that name a value there is none of."""
    lines = (files("iot_authorizer_cli.snippets") / template).read_text("utf-8").splitlines(keepends=True)
    return "".join(
        _PLACEHOLDER.sub(lambda match: values[match[1]] or "", line)
        for line in lines
        if all(values[name] is not None for name in _PLACEHOLDER.findall(line))
    )
