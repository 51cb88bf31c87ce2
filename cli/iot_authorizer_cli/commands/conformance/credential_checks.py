"""The checks of where a client names the authorizer and shows its credentials: user name, query string, headers.

Most ask what IoT Core itself reads: which spellings of the authorizer's name it takes, and which of two names counts.
"""

import base64
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of
from iot_authorizer_cli.commands.conformance.https import NAME_KEY, Headers, ask
from iot_authorizer_cli.commands.conformance.project import spaced
from iot_authorizer_cli.commands.conformance.websocket import answer_over_websocket

_WRONG = f"{NAME_KEY}=conformance-no-such-authorizer"


def escaped(text: str) -> str:
    """A text whose first character is percent-encoded, though it need not be."""
    return f"%{ord(text[0]):02X}{text[1:]}"


def _name(clients: Clients) -> str:
    return f"{NAME_KEY}={clients.endpoint.authorizer}"


def _token(clients: Clients) -> str:
    return f"token={clients.endpoint.token}"


def _query(clients: Clients, query: str) -> str:
    """What a CONNECT is answered, with this query string in its user name, and the password."""
    return clients.answer(clients.client_id(), user_name=f"{clients.endpoint.user}?{query}")


def _as_spaced(clients: Clients, sent: str) -> str:
    """What the user with a space in its name is answered, if it sends its name so."""
    name = spaced(clients.endpoint.user)
    return clients.answer(f"{name}/{clients.check}", user_name=f"{sent}?{_name(clients)}")


def _password(clients: Clients, password: bytes | None) -> str:
    return clients.answer(clients.client_id(), password=password)


def _in_user_name(clients: Clients, query: str, password: bytes | None = None) -> str:
    return clients.answer(clients.client_id(), user_name=f"?{query}", password=password)


def _web(
    clients: Clients, query: str, headers: Mapping[str, str] = MappingProxyType({}), user_name: str | None = None
) -> str:
    """The same over a WebSocket; with a user name, the password is sent too."""
    password = None if user_name is None else clients.endpoint.password.encode()
    return answer_over_websocket(clients, query, headers, user_name=user_name, password=password)


def _publish(clients: Clients, query: str, headers: Headers) -> str:
    path = f"/topics/{quote(clients.topic(), safe='')}?qos=1&{query}"
    return ask(clients, "POST", path, headers, b"hello")


def _in_query(clients: Clients, query: str) -> str:
    return _publish(clients, query, {NAME_KEY: None, "token": None})


_ASKED: Mapping[str, tuple[str, Run]] = {
    "name-encoded": (
        "Is the authorizer's name percent-decoded in the user name?",
        lambda c: _query(c, f"{NAME_KEY}={escaped(c.endpoint.authorizer)}"),
    ),
    "name-key-encoded": (
        "Is the key of the authorizer's name percent-decoded in the user name?",
        lambda c: _query(c, f"{escaped(NAME_KEY)}={c.endpoint.authorizer}"),
    ),
    "name-key-case": (
        "Is the key of the authorizer's name taken in another case in the user name?",
        lambda c: _query(c, f"X-Amz-CustomAuthorizer-Name={c.endpoint.authorizer}"),
    ),
    "name-twice": (
        "Does the first of two authorizers in the user name count?",
        lambda c: _query(c, f"{_name(c)}&{_WRONG}"),
    ),
    "name-twice-last": (
        "Does the last of two authorizers in the user name count?",
        lambda c: _query(c, f"{_WRONG}&{_name(c)}"),
    ),
    "name-after-metrics": (
        "Is the authorizer's name found after what AWS's SDKs add to the user name?",
        lambda c: _query(c, f"SDK=Python&Version=1.6.2&{_name(c)}"),
    ),
    "name-question-mark": (
        "Is the authorizer's name found before a second question mark in the user name?",
        lambda c: _query(c, f"{_name(c)}?SDK=Java&Version=1.0"),
    ),
    "user-name-space": (
        "Does a user connect whose name has a space?",
        lambda c: _as_spaced(c, spaced(c.endpoint.user)),
    ),
    "user-name-plus": (
        "Is a + in the user name a space?",
        lambda c: _as_spaced(c, spaced(c.endpoint.user).replace(" ", "+")),
    ),
    "user-name-encoded": (
        "Is the user name percent-decoded?",
        lambda c: _as_spaced(c, quote(spaced(c.endpoint.user))),
    ),
    "password-base64": (
        "Is a password in base64 decoded?",
        lambda c: _password(c, base64.b64encode(c.endpoint.password.encode())),
    ),
    "password-missing": ("What does a CONNECT without a password get?", lambda c: _password(c, None)),
    "password-empty": ("What does a CONNECT with an empty password get?", lambda c: _password(c, b"")),
    "password-token": (
        "Does a client connect with a token as its password?",
        lambda c: _password(c, c.endpoint.token.encode()),
    ),
    "token-in-user-name": (
        "Does a client connect with a token in the user name, and no password?",
        lambda c: _in_user_name(c, f"{_name(c)}&{_token(c)}"),
    ),
    "signature-not-needed": (
        "Is a wrong signature ignored if the authorizer has no signing?",
        lambda c: _in_user_name(c, f"{_name(c)}&{_token(c)}&x-amz-customauthorizer-signature=AAAA"),
    ),
    "websocket-query": (
        "Does a WebSocket connect with all in its query string?",
        lambda c: _web(c, f"{_name(c)}&{_token(c)}"),
    ),
    "websocket-wrong-token": (
        "What does a WebSocket with a wrong token get?",
        lambda c: _web(c, f"{_name(c)}&token=wrong"),
    ),
    "websocket-headers": (
        "Does a WebSocket connect with all in its headers?",
        lambda c: _web(c, "", {NAME_KEY: c.endpoint.authorizer, "token": c.endpoint.token}),
    ),
    "websocket-header-case": (
        "Does a WebSocket connect with headers in upper case?",
        lambda c: _web(c, "", {NAME_KEY.upper(): c.endpoint.authorizer, "TOKEN": c.endpoint.token}),
    ),
    "websocket-user-name": (
        "Does a WebSocket connect with all in its CONNECT?",
        lambda c: _web(c, "", user_name=c.endpoint.user_name),
    ),
    "websocket-split": (
        "Does a WebSocket connect with the authorizer's name in its query string and a password in its CONNECT?",
        lambda c: _web(c, _name(c), user_name=c.endpoint.user),
    ),
    "websocket-name-encoded": (
        "Is the authorizer's name percent-decoded in the query string?",
        lambda c: _web(c, f"{NAME_KEY}={escaped(c.endpoint.authorizer)}&{_token(c)}"),
    ),
    "websocket-key-case": (
        "Is the key of the authorizer's name taken in another case in the query string?",
        lambda c: _web(c, f"X-Amz-CustomAuthorizer-Name={c.endpoint.authorizer}&{_token(c)}"),
    ),
    "websocket-header-first": (
        "Does the authorizer of a header count, and not that of the query string?",
        lambda c: _web(c, f"{_WRONG}&{_token(c)}", {NAME_KEY: c.endpoint.authorizer}),
    ),
    "websocket-query-first": (
        "Does the authorizer of the query string count, and not that of the user name?",
        lambda c: _web(c, _name(c), user_name=f"{c.endpoint.user}?{_WRONG}"),
    ),
    "websocket-user-name-first": (
        "Does the authorizer of the user name count, and not that of the query string?",
        lambda c: _web(c, _WRONG, user_name=c.endpoint.user_name),
    ),
    "websocket-old-subprotocol": (
        "Does a WebSocket connect with the subprotocol mqttv3.1?",
        lambda c: answer_over_websocket(c, f"{_name(c)}&{_token(c)}", subprotocol="mqttv3.1"),
    ),
    "websocket-no-subprotocol": (
        "Does a WebSocket connect without a subprotocol?",
        lambda c: answer_over_websocket(c, f"{_name(c)}&{_token(c)}", subprotocol=None),
    ),
    "http-query": (
        "Is a message by HTTPS taken with all in its query string?",
        lambda c: _in_query(c, f"{_name(c)}&{_token(c)}"),
    ),
    "http-name-case": (
        "Is the header of the authorizer's name taken in upper case?",
        lambda c: _publish(c, "", {NAME_KEY: None, NAME_KEY.upper(): c.endpoint.authorizer}),
    ),
    "http-name-encoded": (
        "Is the authorizer's name percent-decoded in the query string of a message by HTTPS?",
        lambda c: _in_query(c, f"{NAME_KEY}={escaped(c.endpoint.authorizer)}&{_token(c)}"),
    ),
    "http-header-first": (
        "Does the authorizer of a header count for HTTPS, and not that of the query string?",
        lambda c: _publish(c, _WRONG, {}),
    ),
    "http-query-first": (
        "Does the authorizer of the query string count for HTTPS, and not that of a header?",
        lambda c: _publish(c, _name(c), {NAME_KEY: "conformance-no-such-authorizer"}),
    ),
}
CREDENTIAL_CHECKS = checks_of(_ASKED)
"""All of them by their names."""
