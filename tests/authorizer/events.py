"""Events as IoT Core sends them."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

Event = dict[str, object]

CONNECTION = "4a6bd4b1-94b2-4d3a-9c7c-7d1f3a0f0a01"
SDK = "SDK=PythonV2&Version=1.31.0&Platform=Linux&Metadata=(IoTSDK;v1)"
"""What AWS's device SDKs append to a user name."""


def event(
    *,
    token: str | None = None,
    signature_verified: bool | None = None,
    headers: Mapping[str, str] | None = None,
    query: str | None = None,
    user_name: str | None = None,
    password: bytes | str | None = None,
    client_id: str | None = None,
    connection_id: str | None = CONNECTION,
) -> Event:
    """An event with the parts that are given. A password of type str is taken for base64."""
    encoded = b64encode(password).decode() if isinstance(password, bytes) else password
    http = _given(headers=dict(headers) if headers is not None else None, queryString=query)
    mqtt = _given(username=user_name, password=encoded, clientId=client_id)
    return _given(
        token=token,
        signatureVerified=signature_verified,
        protocols=["tls", "mqtt"],
        protocolData=_given(tls={"serverName": "example.com"}, http=http or None, mqtt=mqtt or None),
        connectionMetadata=None if connection_id is None else {"id": connection_id},
    )


def anonymous(client_id: str | None = None) -> Event:
    return event(client_id=client_id)


def with_password(user_name: str, password: bytes | str, client_id: str | None = None) -> Event:
    return event(user_name=user_name, password=password, client_id=client_id)


def bearer(token: str, client_id: str | None = None) -> Event:
    """A bearer token in the header that is made for it."""
    return event(headers={"Authorization": f"Bearer {token}"}, client_id=client_id)


def every_source(token: str) -> dict[str, Event]:
    """One token through each source, by the source's name."""
    return {
        "token": event(token=token),
        "header": event(headers={"Token": token}),
        "authorization": bearer(token),
        "query": event(query=f"?token={quote(token)}"),
        "access_token": event(query=f"?access_token={quote(token)}"),
        "user_name": event(user_name=f"ann?token={token}&{SDK}"),
        "password": event(user_name=f"ann?{SDK}", password=token.encode()),
    }


def _given(**parts: object) -> Event:
    return {name: part for name, part in parts.items() if part is not None}
