"""The token that a Lambda accepted, found again where its log line says that it stood.

What else a client wrote elsewhere, another JWT say, proves nothing and explains nothing.
"""

import base64
from collections.abc import Iterator, Mapping
from urllib.parse import unquote


def accepted_tokens(event: Mapping[str, object], source: str | None, token_key_name: str | None) -> Iterator[str]:
    """The tokens in a credential source, an `iot_authorizer.CredentialSource`; nothing if it holds no token."""
    keys = {"access_token", token_key_name or "access_token"}
    if source == "token":
        yield _text(event.get("token"))
    elif source in ("header", "authorization"):
        wanted = "authorization" if source == "authorization" else (token_key_name or "").lower()
        headers = _part(event, "http").get("headers")
        for name, value in headers.items() if isinstance(headers, Mapping) else ():
            if name.lower() == wanted:
                yield _text(value).rpartition(" ")[2]
    elif source == "query":
        yield from _pairs(_text(_part(event, "http").get("queryString")).removeprefix("?"), keys)
    elif source == "user_name":
        yield from _pairs(_text(_part(event, "mqtt").get("username")).partition("?")[2], keys)
    elif source == "password":
        yield base64.b64decode(_text(_part(event, "mqtt").get("password"))).decode("utf-8", "replace")


def _part(event: Mapping[str, object], name: str) -> Mapping[str, object]:
    protocols = event.get("protocolData")
    found = protocols.get(name) if isinstance(protocols, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _pairs(query: str, keys: set[str]) -> Iterator[str]:
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key in keys:
            yield unquote(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
