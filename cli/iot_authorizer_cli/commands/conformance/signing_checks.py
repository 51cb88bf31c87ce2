"""The checks of signed tokens: how a client shows a token and its signature to an authorizer with signing.

IoT Core itself looks for both before it invokes the function. So these checks also tell how it reads the user name, the
query string and the headers. They need the authorizer of `signed.toml`.
"""

import base64
from collections.abc import Callable, Mapping
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of
from iot_authorizer_cli.commands.conformance.credential_checks import escaped
from iot_authorizer_cli.commands.conformance.https import NAME_KEY, ask
from iot_authorizer_cli.commands.conformance.websocket import answer_over_websocket
from iot_authorizer_cli.commands.conformance.wire import NotTried

_KEY = "x-amz-customauthorizer-signature"
_NO_SIGNATURE = base64.b64encode(bytes(256)).decode()
"""In the form of a signature, but made by no key."""


def _authorizer(clients: Clients) -> str:
    if clients.endpoint.signed_authorizer is None:
        raise NotTried("no authorizer with signing: deploy signed.toml, and name it with --signed-authorizer")
    return clients.endpoint.signed_authorizer


def _user_name(clients: Clients, *pairs: tuple[str, str], password: bytes | None = None) -> str:
    """What a CONNECT is answered whose user name has these keys and values, as they are."""
    query = "&".join(f"{key}={value}" for key, value in ((NAME_KEY, _authorizer(clients)), *pairs))
    user = "" if password is None else clients.endpoint.user
    return clients.answer(clients.client_id(), user_name=f"{user}?{query}", password=password)


def _token(clients: Clients) -> tuple[str, str]:
    return "token", clients.endpoint.token


def _signature(clients: Clients, key: str = _KEY) -> tuple[str, str]:
    return key, quote(clients.endpoint.token_signature, safe="")


def _signed_with(clients: Clients, signature: str) -> str:
    """The same with the token, and a signature as it is."""
    return _user_name(clients, _token(clients), (_KEY, signature))


def _tokens(clients: Clients, *pairs: tuple[str, str]) -> str:
    """The same with the right signature and these tokens."""
    return _user_name(clients, *pairs, _signature(clients))


def _headers(clients: Clients, change: Callable[[str], str] = str) -> Mapping[str, str]:
    """All of it in headers, with changed names."""
    endpoint = clients.endpoint
    given = {NAME_KEY: _authorizer(clients), "token": endpoint.token, _KEY: endpoint.token_signature}
    return {change(name): value for name, value in given.items()}


def _split(clients: Clients) -> str:
    """A WebSocket with the token in a header, and the rest in its query string."""
    key, signature = _signature(clients)
    query = f"{NAME_KEY}={_authorizer(clients)}&{key}={signature}"
    return answer_over_websocket(clients, query, {"token": clients.endpoint.token})


def _web(clients: Clients, signature: str) -> str:
    """A WebSocket with all in its query string, and a signature as it is."""
    query = f"{NAME_KEY}={_authorizer(clients)}&token={clients.endpoint.token}&{_KEY}={signature}"
    return answer_over_websocket(clients, query)


def _publish(clients: Clients, **changes: str | None) -> str:
    path = f"/topics/{quote(clients.topic(), safe='')}?qos=1"
    return ask(clients, "POST", path, {**_headers(clients), **changes}, b"hello")


_ASKED: Mapping[str, tuple[str, Run]] = {
    "signature": (
        "Does a client connect with a token and its percent-encoded signature in the user name?",
        lambda c: _tokens(c, _token(c)),
    ),
    "signature-raw": (
        "Is a signature taken that is not percent-encoded, with its plus, slash and padding?",
        lambda c: _signed_with(c, c.endpoint.token_signature),
    ),
    "signature-plus": (
        "Is the plus of a signature taken as it is, if the rest is percent-encoded?",
        lambda c: _signed_with(c, quote(c.endpoint.token_signature, safe="+")),
    ),
    "signature-unpadded": (
        "Is a signature taken without its base64 padding?",
        lambda c: _signed_with(c, quote(c.endpoint.token_signature.rstrip("="), safe="")),
    ),
    "signature-url-safe": (
        "Is a signature taken in URL-safe base64?",
        lambda c: _signed_with(c, quote(c.endpoint.token_signature.replace("+", "-").replace("/", "_"), safe="")),
    ),
    "signature-wrong": (
        "What does a signature get that no key made?",
        lambda c: _signed_with(c, quote(_NO_SIGNATURE, safe="")),
    ),
    "signature-missing": ("What does a token without a signature get?", lambda c: _user_name(c, _token(c))),
    "signed-token-missing": ("What does a signature without a token get?", lambda c: _user_name(c, _signature(c))),
    "signed-password": (
        "What does a password get, without a token?",
        lambda c: _user_name(c, password=c.endpoint.password.encode()),
    ),
    "signature-key-case": (
        "Is the key of the signature taken in another case?",
        lambda c: _user_name(c, _token(c), _signature(c, "X-Amz-CustomAuthorizer-Signature")),
    ),
    "signed-token-encoded": (
        "Is a token percent-decoded before its signature is verified?",
        lambda c: _tokens(c, ("token", escaped(c.endpoint.token))),
    ),
    "signed-token-key-case": (
        "Is the token key name taken in another case?",
        lambda c: _tokens(c, ("Token", c.endpoint.token)),
    ),
    "signed-token-key-wrong": (
        "What does a token get under another key than the token key name?",
        lambda c: _tokens(c, ("other", c.endpoint.token)),
    ),
    "signature-twice": (
        "Does the first of two signatures count?",
        lambda c: _user_name(c, _token(c), _signature(c), (_KEY, quote(_NO_SIGNATURE, safe=""))),
    ),
    "signature-twice-last": (
        "Does the last of two signatures count?",
        lambda c: _user_name(c, _token(c), (_KEY, quote(_NO_SIGNATURE, safe="")), _signature(c)),
    ),
    "signed-query": (
        "Does a WebSocket connect with a token and its percent-encoded signature in the query string?",
        lambda c: _web(c, quote(c.endpoint.token_signature, safe="")),
    ),
    "signed-query-plus": (
        "Is the plus of a signature in the query string taken as it is?",
        lambda c: _web(c, quote(c.endpoint.token_signature, safe="+")),
    ),
    "signed-headers": (
        "Does a WebSocket connect with a token and its signature in headers?",
        lambda c: answer_over_websocket(c, "", _headers(c)),
    ),
    "signed-header-case": (
        "Does a WebSocket connect with them in headers in upper case?",
        lambda c: answer_over_websocket(c, "", _headers(c, str.upper)),
    ),
    "signed-split": (
        "Does a WebSocket connect with the token in a header, and the signature in the query string?",
        _split,
    ),
    "signed-http": ("Is a message by HTTPS taken with a signed token in headers?", _publish),
    "signed-http-wrong": (
        "What does a message by HTTPS get whose signature no key made?",
        lambda c: _publish(c, **{_KEY: _NO_SIGNATURE}),
    ),
}
SIGNING_CHECKS = checks_of(_ASKED)
"""All of them by their names."""
