"""The checks of requests that are signed with an access key (Signature Version 4), rightly or with one mistake.

They need credentials of AWS that may connect and publish as the checks do. If a right signature does not connect, a
wrong one says nothing, so it is not tried.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey, RequestSigning
from iot_authorizer_cli.commands.conformance.checks import Clients, Run, checks_of, subscribe
from iot_authorizer_cli.commands.conformance.https import NAME_KEY, ask
from iot_authorizer_cli.commands.conformance.websocket import answer_over_websocket
from iot_authorizer_cli.commands.conformance.wire import NotTried, described
from iot_core.mqtt import Publish, Version

EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}'
"""A session policy that takes nothing away from the role."""
_FOR_WEB_SOCKETS = RequestSigning()
_FOR_HTTPS = RequestSigning(service="iotdata", session="signed")
_CONNECTED, _PUBLISHED = "101, CONNACK 0x00", "200"
_NOT_ALLOWED = "CONNACK 0x87"
_ACCOUNT, _UNIQUE_ID, _SESSION_NAME = map(re.compile, (r"\b\d{12}\b", r"\b(A[A-Z]{3})[A-Z0-9]+", r":[^/]*"))
_SHOWN = re.compile(r"(ACCOUNT|A[A-Z]{3}…|:SESSION|/)+")
_HOUR, _DAY = 3600, 86_400


def publish(
    clients: Clients, key: AwsKey, signing: RequestSigning = _FOR_HTTPS, *, in_url: bool = False, before: str = ""
) -> str:
    """What a message by HTTPS gets that is signed in its header, or in its URL. Its path begins with `before`."""
    path, query, body = f"{before}/topics/{quote(clients.topic(), safe='')}", "qos=1", b"hello"
    headers: Mapping[str, str | None] = {NAME_KEY: None, "token": None}
    if in_url:
        query = signing.query(key, clients.endpoint.address, path, "POST", body)
    else:
        headers = {**headers, **signing.headers(key, clients.endpoint.address, "POST", path, query, body)}
    return ask(clients, "POST", f"{path}?{query}", headers, body)


def _sign(clients: Clients, key: AwsKey, signing: RequestSigning, subprotocol: str = "mqtt", **fields: object) -> str:
    """What a WebSocket gets whose URL is signed."""
    query = signing.query(key, clients.endpoint.address)
    return answer_over_websocket(clients, query, {}, subprotocol, **fields)


def _find_key(clients: Clients) -> AwsKey:
    """The client's key, if it connects. Raises NotTried."""
    key = clients.endpoint.find_key()
    # With another client ID: each may connect once a second.
    found = _sign(replace(clients, check=f"{clients.check}-right"), key, _FOR_WEB_SOCKETS)
    if found != _CONNECTED:
        raise NotTried(f"a right signature gets {found}: use credentials that may connect and publish")
    return key


def _connects(
    clients: Clients, signing: RequestSigning = _FOR_WEB_SOCKETS, subprotocol: str = "mqtt", **fields: object
) -> str:
    """The same, if a right signature connects."""
    return _sign(clients, _find_key(clients), signing, subprotocol, **fields)


def _publishes(clients: Clients, signing: RequestSigning, *, in_url: bool = False, before: str = "") -> str:
    key = clients.endpoint.find_key()
    if (found := publish(clients, key)) != _PUBLISHED:
        raise NotTried(f"a right signature gets {found}: use credentials that may connect and publish")
    return publish(clients, key, signing, in_url=in_url, before=before)


def _publishes_right(clients: Clients) -> str:
    return publish(clients, clients.endpoint.find_key())


def _right(clients: Clients) -> str:
    found = _sign(clients, clients.endpoint.find_key(), _FOR_WEB_SOCKETS)
    if found.endswith(_NOT_ALLOWED):
        raise NotTried(f"your credentials may not connect ({found}): they need iot:Connect and iot:Publish")
    return found


def _temporary(clients: Clients) -> Clients:
    """A client with a temporary key: the user's own if it is one, or else one of the role. Raises NotTried."""
    key = clients.endpoint.find_key()
    if key.session_token is None:
        key = key.assume(EVERYTHING)
    return replace(clients, endpoint=replace(clients.endpoint, find_key=lambda: key))


def _in_header(clients: Clients) -> str:
    """A WebSocket that is signed as an HTTPS request is."""
    key, signing = _find_key(clients), replace(_FOR_WEB_SOCKETS, session="signed")
    return answer_over_websocket(clients, "", signing.headers(key, clients.endpoint.address, "GET", "/mqtt", "", b""))


def principal(clients: Clients, key: AwsKey) -> str:
    """The principal ID of a signed client, as a presence event tells it, without the account and names."""
    topic = f"$aws/events/presence/connected/{clients.client_id()}"
    with replace(clients, version=Version.MQTT_5).connected("b") as wire:
        wire.answer(subscribe(topic))
        connected = _sign(clients, key, _FOR_WEB_SOCKETS)
        if connected != _CONNECTED:
            raise NotTried(f"a right signature gets {connected}: use credentials that may connect and publish")
        found = wire.next_of(Publish)
    if not isinstance(found, Publish):
        return described(found)
    text = str(json.loads(found.payload).get("principalIdentifier"))
    shown = _SESSION_NAME.sub(":SESSION", _ACCOUNT.sub("ACCOUNT", _UNIQUE_ID.sub(r"\1…", text)))
    return shown if _SHOWN.fullmatch(shown) else "another form"


def _principal_of_user(clients: Clients) -> str:
    key = clients.endpoint.find_key()
    if key.session_token is not None:
        raise NotTried("needs the access key of an IAM user, and your credentials are temporary")
    return principal(clients, key)


def _reversed(query: str) -> str:
    return "&".join(reversed(query.split("&")))


def _elsewhere(clients: Clients) -> RequestSigning:
    region = "eu-west-2" if clients.endpoint.find_key().region != "eu-west-2" else "us-east-1"
    return RequestSigning(region=region)


_ASKED: Mapping[str, tuple[str, Run]] = {
    "sigv4": ("Does a WebSocket with a signed URL connect?", _right),
    "sigv4-iotdata": (
        "Does a WebSocket connect whose URL is signed for iotdata?",
        lambda c: _connects(c, RequestSigning(service="iotdata")),
    ),
    "sigv4-service": (
        "What does a URL get that is signed for another service?",
        lambda c: _connects(c, RequestSigning(service="iot")),
    ),
    "sigv4-region": (
        "What does a URL get that is signed for another region?",
        lambda c: _connects(c, _elsewhere(c)),
    ),
    "sigv4-secret": (
        "What does a URL get that is signed with a wrong secret?",
        lambda c: _connects(c, RequestSigning(wrong_secret=True)),
    ),
    "sigv4-expired": (
        "What does a URL get that was signed an hour ago?",
        lambda c: _connects(c, RequestSigning(age=_HOUR)),
    ),
    "sigv4-future": (
        "What does a URL get whose time is an hour from now?",
        lambda c: _connects(c, RequestSigning(age=-_HOUR)),
    ),
    "sigv4-expires-long": (
        "Does a URL of ten minutes ago connect if X-Amz-Expires is a day?",
        lambda c: _connects(c, RequestSigning(age=600, expires=_DAY)),
    ),
    "sigv4-expires-short": (
        "Does a URL of a minute ago connect if X-Amz-Expires is 30 seconds?",
        lambda c: _connects(c, RequestSigning(age=60, expires=30)),
    ),
    "sigv4-order": (
        "Do the parameters of a signed URL have any order?",
        lambda c: _connects(c, RequestSigning(sent=_reversed)),
    ),
    "sigv4-plus": (
        "Is a plus in a signed URL a plus?",
        lambda c: _connects(c, RequestSigning(more=(("conformance", "a+b"),), sent=lambda q: q.replace("%2B", "+"))),
    ),
    "sigv4-plus-space": (
        "Is a plus in a signed URL a space?",
        lambda c: _connects(c, RequestSigning(more=(("conformance", "a b"),), sent=lambda q: q.replace("%20", "+"))),
    ),
    "sigv4-header": ("Does a WebSocket connect that is signed in its header?", _in_header),
    "sigv4-authorizer": (
        "What does a signed URL get that also names an authorizer?",
        lambda c: _connects(c, RequestSigning(more=((NAME_KEY, c.endpoint.authorizer),))),
    ),
    "sigv4-user-name-authorizer": (
        "What does a signed URL get if the user name names an authorizer?",
        lambda c: _connects(c, user_name=c.endpoint.user_name, password=c.endpoint.password.encode()),
    ),
    "sigv4-metrics": (
        "Does a signed URL connect with the user name that AWS's SDKs send?",
        lambda c: _connects(c, user_name="?SDK=Python&Version=1.6.2"),
    ),
    "sigv4-amplify": (
        "Does a signed URL connect with MQTT 3.1, which Amplify uses?",
        lambda c: _connects(replace(c, version=Version.MQTT_3_1), subprotocol="mqttv3.1"),
    ),
    "sigv4-session-appended": (
        "Does a signed URL connect whose session token is not signed?",
        lambda c: _right(_temporary(c)),
    ),
    "sigv4-session-signed": (
        "Does one connect whose session token is signed?",
        lambda c: _connects(_temporary(c), RequestSigning(session="signed")),
    ),
    "sigv4-session-missing": (
        "What does one get without its session token?",
        lambda c: _connects(_temporary(c), RequestSigning(session="missing")),
    ),
    "sigv4-principal": ("Which principal ID has the access key of an IAM user?", _principal_of_user),
    "sigv4-http": (
        "Is a message by HTTPS taken that is signed in its header?",
        _publishes_right,
    ),
    "sigv4-http-session": (
        "Is one taken with a session token that is signed?",
        lambda c: _publishes_right(_temporary(c)),
    ),
    "sigv4-http-session-unsigned": (
        "Is one taken whose session token is not signed?",
        lambda c: _publishes(_temporary(c), replace(_FOR_HTTPS, session="unsigned")),
    ),
    "sigv4-http-service": (
        "What does one get that is signed for iotdevicegateway?",
        lambda c: _publishes(c, replace(_FOR_HTTPS, service="iotdevicegateway")),
    ),
    "sigv4-http-expired": (
        "What does one get that was signed an hour ago?",
        lambda c: _publishes(c, replace(_FOR_HTTPS, age=_HOUR)),
    ),
    "sigv4-http-dots": (
        "What does one get that is signed, and whose path has two dots?",
        lambda c: _publishes(c, _FOR_HTTPS, before="/topics/other/.."),
    ),
    "sigv4-http-url": (
        "Is a message by HTTPS taken that is signed in its URL?",
        lambda c: _publishes(c, replace(_FOR_HTTPS, session="unsigned"), in_url=True),
    ),
}
SIGV4_CHECKS = checks_of(_ASKED)
"""All of them by their names."""
