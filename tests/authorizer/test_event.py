"""The reader of events and a model of pydantic read the same, and refuse the same."""

from hypothesis import assume, given
from hypothesis import event as noted
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from iot_authorizer import Refusal
from iot_authorizer.event import AuthorizerEvent
from tests.authorizer.any_event import any_event
from tests.effort import examples


class Part(BaseModel):
    """Part of an event: every field may be missing or null, and unknown fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel)


class TlsPart(Part):
    server_name: str | None = None


class HttpPart(Part):
    headers: dict[str, str] | None = None
    query_string: str | None = None


class MqttPart(Part):
    user_name: str | None = Field(None, alias="username")
    password: str | None = None
    client_id: str | None = None


class Protocols(Part):
    tls: TlsPart | None = None
    http: HttpPart | None = None
    mqtt: MqttPart | None = None


class Connection(Part):
    id: str | None = None


class WholeEvent(Part):
    token: str | None = None
    signature_verified: bool | None = None
    protocols: Protocols | None = Field(None, alias="protocolData")
    connection: Connection | None = Field(None, alias="connectionMetadata")


def by_pydantic(event: object) -> dict[str, object] | None:
    """What the model reads, in the form of `AuthorizerEvent._asdict`; None for an event that it refuses."""
    try:
        found = WholeEvent.model_validate(event if isinstance(event, dict) else "refused")
    except ValidationError:
        return None
    protocols = found.protocols or Protocols()
    return {
        "token": found.token,
        "signature_verified": found.signature_verified,
        **(protocols.tls or TlsPart()).model_dump(),
        **(protocols.http or HttpPart()).model_dump(),
        **(protocols.mqtt or MqttPart()).model_dump(),
        "has_mqtt": protocols.mqtt is not None,
        "connection_id": (found.connection or Connection()).id,
    }


def has_surrogates(value: object) -> bool:
    """Whether a text in it is not valid Unicode: pydantic refuses such texts, and JSON may have them."""
    if isinstance(value, dict):
        return any(map(has_surrogates, (*value.keys(), *value.values())))
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)


@given(any_event)
@examples(2)
def test_an_event_is_read_or_refused_as_by_a_model(event: object) -> None:
    assume(not has_surrogates(event))
    try:
        found = AuthorizerEvent.parse(event)._asdict()
    except Refusal:
        noted("refused")
        assert by_pydantic(event) is None
        return
    noted("read")
    assert found == by_pydantic(event)


@given(st.text("a\ud800", min_size=1))
def test_a_text_that_is_not_valid_unicode_is_read_as_it_is(text: str) -> None:
    found = AuthorizerEvent.parse({"protocolData": {"http": {"headers": {text: text}}, "mqtt": {"clientId": text}}})
    assert (found.headers, found.client_id) == ({text: text}, text)
