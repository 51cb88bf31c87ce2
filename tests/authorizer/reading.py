"""Reads the credentials of an event."""

import pytest

from iot_authorizer import Credentials, Refusal
from iot_authorizer.credentials import read_credentials
from iot_authorizer.event import AuthorizerEvent
from tests.authorizer.events import Event


def read(event: Event, key: str | None = "token") -> Credentials:
    return read_credentials(AuthorizerEvent.parse(event), key)


def refusal(event: Event, key: str | None = "token") -> str:
    """The reason why the credentials of an event can't be read."""
    with pytest.raises(Refusal) as refused:
        read(event, key)
    return refused.value.reason
