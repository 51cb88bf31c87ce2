"""Publish (API_iotdata_Publish): publishes a message over HTTPS."""

import base64
import json
import uuid
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from iot_core.api.errors import forbidden, invalid_member, invalid_request, throttled
from iot_core.api.http_authorization import HttpAuthorization, RequestedAction
from iot_core.api.parameters import label, query_boolean, query_integer, read_body
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.publishing import check_properties
from iot_core.broker.topics import InvalidTopic, check_topic_name, is_reserved
from iot_core.core import IotCore
from iot_core.mqtt import Properties, Publish

_EVENTS = "$aws/events/"
_MOST_EXPIRY = 0xFFFF_FFFF
"""Seconds: MQTT 5 has four bytes for them."""
_MOST_STRING = 65_535
"""Bytes of UTF-8 [MQTT-1.5.4]."""
_STRING = f"Member must be a string of at most {_MOST_STRING} bytes of UTF-8 without U+0000"
_FORMATS = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}


class PublishOperation:
    """The operation Publish."""

    def __init__(self, core: IotCore, authorization: HttpAuthorization) -> None:
        self._core = core
        self._authorization = authorization

    async def publish(self, request: Request) -> Response:
        """Publishes a message. Raises ApiError.

        Botocore's model has no output. The answer is that of the developer guide's "Tutorial: Creating a custom
        authorizer for AWS IoT Core".
        """
        limits = self._core.broker.limits
        payload = await read_body(request, limits.payload)
        topic = label(request, "topic")
        check_topic("topic", topic, check_topic_name, limits)
        qos = query_integer(request, "qos", 0, 1) or 0
        retain = query_boolean(request, "retain")
        packet = Publish(topic, payload, qos, retain, False, None, message_properties(request, limits))
        if topic.startswith(_EVENTS):
            raise forbidden()
        if retain and is_reserved(topic):
            raise invalid_request("A message to a reserved topic cannot be retained")
        sender = await self._authorization.require(request, self._action(topic, retain))
        broker = self._core.broker
        if retain and not broker.retained.has_room(topic, payload):
            raise throttled("The account has no room for another retained message")
        broker.publish(broker.message(packet, topic), sender.principal_id)
        self._core.commit()
        return JSONResponse({"message": "OK", "traceId": str(uuid.uuid4())})

    def _action(self, topic: str, retain: bool) -> RequestedAction:
        arn = self._core.arn("topic", topic)
        permissions = (("iot:Publish", arn), ("iot:RetainPublish", arn))
        return RequestedAction("http_publish", topic, permissions if retain else permissions[:1])


def check_topic(member: str, topic: str, check: Callable[[str, Limits], None], limits: Limits) -> None:
    """Checks a topic of a request by one of the broker's rules. Raises ApiError."""
    try:
        check(topic, limits)
    except InvalidTopic as error:
        raise invalid_member(member, str(error)) from None


def message_properties(request: Request, limits: Limits) -> Properties:
    """The MQTT 5 properties of the message of a request. Raises ApiError."""
    response_topic = request.query_params.get("responseTopic")
    if response_topic is not None:
        check_topic("responseTopic", response_topic, check_topic_name, limits)
    properties = Properties(
        payload_format_indicator=_payload_format(request),
        message_expiry_interval=query_integer(request, "messageExpiry", 0, _MOST_EXPIRY),
        content_type=_content_type(request),
        response_topic=response_topic,
        correlation_data=_header_bytes(request, "x-amz-mqtt5-correlation-data"),
        user_properties=_user_properties(request),
    )
    try:
        check_properties(properties, limits)
    except BrokenRule as error:
        raise invalid_request(str(error)) from None
    return properties


def _content_type(request: Request) -> str | None:
    text = request.query_params.get("contentType")
    if text is not None and not _is_mqtt_string(text):
        raise invalid_member("contentType", _STRING)
    return text


def _is_mqtt_string(text: str) -> bool:
    """Whether a text is a valid string of a packet. An invalid one would end the connections of its receivers."""
    try:
        return len(text.encode()) <= _MOST_STRING and "\0" not in text
    except UnicodeEncodeError:
        return False


def _payload_format(request: Request) -> int | None:
    text = request.headers.get("x-amz-mqtt5-payload-format-indicator")
    if text is not None and text not in _FORMATS:
        raise invalid_member("payloadFormatIndicator", f"Member must satisfy enum value set: [{', '.join(_FORMATS)}]")
    return None if text is None else _FORMATS[text]


def _header_bytes(request: Request, name: str) -> bytes | None:
    text = request.headers.get(name)
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid_member(name, "Member must be base64") from None


def _user_properties(request: Request) -> tuple[tuple[str, str], ...]:
    """Reads `[{"name": "value"}, …]` in base64. Objects are read as pairs, because a name may come twice."""
    name = "x-amz-mqtt5-user-properties"
    content = _header_bytes(request, name)
    if content is None:
        return ()
    try:
        parsed = json.loads(content, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, list) or not all(isinstance(one, tuple) for one in parsed):
        raise invalid_member(name, "Member must be a list of JSON objects in base64")
    pairs = tuple(pair for one in parsed for pair in one)
    if not all(isinstance(value, str) and _is_mqtt_string(key) and _is_mqtt_string(value) for key, value in pairs):
        raise invalid_member(name, f"Names and values: {_STRING}")
    return pairs
