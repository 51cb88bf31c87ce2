"""What IoT Core wants of a CONNECT, whoever sends it."""

import base64
import uuid

from iot_core.authorizers.event import ConnectionRequest, MqttContext
from iot_core.broker.client import connack
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.publishing import check_properties
from iot_core.broker.topics import InvalidTopic, check_topic_name, is_event, is_reserved
from iot_core.edge.arrival import Arrival
from iot_core.mqtt import NO_PROPERTIES, Connect, ReasonCode, Version, Will, encode

_ASSIGNED = f"$GEN/{uuid.UUID(int=0)}"
"""As long as a client ID that is given to a client."""


def check_connect(connect: Connect, limits: Limits) -> None:
    """Checks a CONNECT. Raises BrokenRule with the code that refuses it."""
    if len(connect.client_id.encode()) > limits.client_id:
        raise BrokenRule(f"a client ID has at most {limits.client_id} bytes", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    if not connect.client_id and connect.version == Version.MQTT_3_1_1 and not connect.clean_start:
        raise BrokenRule(
            "a persistent session needs a client ID [MQTT-3.1.3-8]", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
        )
    if connect.properties.authentication_method is not None:
        raise BrokenRule("IoT Core has no extended authentication", ReasonCode.BAD_AUTHENTICATION_METHOD)
    if connect.properties is not NO_PROPERTIES:
        check_properties(connect.properties, limits)
    _check_room(connect, limits)
    if connect.will is not None:
        _check_will(connect.will, limits)


def _check_room(connect: Connect, limits: Limits) -> None:
    """Checks that the client takes a CONNACK [MQTT-3.1.2-24]."""
    most = connect.properties.maximum_packet_size
    if most is None:
        return
    answer = encode(connack(connect, _ASSIGNED, limits, session_present=False), connect.version)
    if len(answer) > most:
        raise BrokenRule("the client's Maximum Packet Size has no room for a CONNACK", ReasonCode.PACKET_TOO_LARGE)


def _check_will(will: Will, limits: Limits) -> None:
    if will.qos > 1:
        raise BrokenRule("IoT Core takes no Will with QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if len(will.payload) > limits.payload:
        raise BrokenRule(f"a Will has at most {limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
    if will.properties is not NO_PROPERTIES:
        check_properties(will.properties, limits)
    if will.retain and is_reserved(will.topic):
        raise BrokenRule("no message to a reserved topic is retained", ReasonCode.RETAIN_NOT_SUPPORTED)
    try:
        check_topic_name(will.topic, limits)
    except InvalidTopic as error:
        raise BrokenRule(f"the Will's topic: {error}", ReasonCode.TOPIC_NAME_INVALID) from None
    if is_event(will.topic):
        raise BrokenRule("only IoT Core publishes events", ReasonCode.NOT_AUTHORIZED)


def connect_attributes(connect: Connect) -> frozenset[str]:
    """What a CONNECT asks for, for the condition key `iot:ConnectAttributes`."""
    persistent = (
        not connect.clean_start
        if connect.version == Version.MQTT_3_1_1
        else bool(connect.properties.session_expiry_interval)
    )
    asked = {"PersistentConnect": persistent, "LastWill": connect.will is not None}
    return frozenset(name for name, wanted in asked.items() if wanted)


def connection_request(connect: Connect, arrival: Arrival) -> ConnectionRequest:
    """What the authorizer is to be asked about. Without limits: those are TestInvokeAuthorizer's."""
    password = None if connect.password is None else base64.b64encode(connect.password).decode()
    mqtt = MqttContext.model_construct(
        username=connect.user_name, password=password, client_id=connect.client_id or None
    )
    return ConnectionRequest.model_construct(http_context=arrival.http, tls_context=arrival.tls, mqtt_context=mqtt)
