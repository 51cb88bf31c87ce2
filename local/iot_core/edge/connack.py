"""The CONNACK that refuses a client, and the rules by which IoT Core refuses a CONNECT.

- IoT Core's rules for a CONNECT give the MQTT reason code of the refusal.
- A client of MQTT 5 gets this code. A client of MQTT 3.1.1 gets the return code for it, or no answer if there is none.
- unmeasured (reported otherwise, https://github.com/aws/aws-iot-device-sdk-python-v2/issues/219, 29 July 2021; checks
  wrong-password-3, wrong-password-5, client-id-refused-3, client-id-refused-5, answer-error): which code a client gets
  that the authorizer or its policy refuses (assumed: the standard's; that report has only a closed connection).
- A client of another version gets an answer that it may understand.

The CONNACK that accepts a client is in `iot_core.broker.client`.
"""

import uuid

from iot_core.broker.client import connack
from iot_core.broker.limits import BrokenRule, Limits
from iot_core.broker.publishing import check_properties, check_topic
from iot_core.broker.topics import NOT_RETAINED, InvalidClientId, check_client_id, is_reserved
from iot_core.mqtt import (
    NO_PROPERTIES,
    Connack,
    Connect,
    ConnectReturnCode,
    MqttError,
    ReasonCode,
    UnsupportedVersion,
    Version,
    Will,
    encode,
)

REFUSED_CLIENT = ReasonCode.NOT_AUTHORIZED
"""The MQTT reason code for a client that the authorizer or its policy refuses. A broken rule has a code of its own."""
_LONGEST_ASSIGNED = f"$GEN/{uuid.UUID(int=0)}"
"""As long as each client ID that IoT Core assigns."""
_RETURN_CODES = {
    ReasonCode.NOT_AUTHORIZED: ConnectReturnCode.NOT_AUTHORIZED,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: ConnectReturnCode.IDENTIFIER_REJECTED,
    ReasonCode.CONNECTION_RATE_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.SERVER_BUSY: ConnectReturnCode.SERVER_UNAVAILABLE,
}
"""MQTT 3.1.1 has return codes for these reason codes of MQTT 5."""


def check_connect(connect: Connect, limits: Limits) -> None:
    """Checks a CONNECT. Raises BrokenRule with the MQTT reason code that refuses it."""
    try:
        check_client_id(connect.client_id, limits)
    except InvalidClientId as error:
        raise BrokenRule(str(error), ReasonCode.CLIENT_IDENTIFIER_NOT_VALID) from None
    if not connect.client_id and connect.version is Version.MQTT_3_1:
        raise BrokenRule("MQTT 3.1 needs a client ID", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    if not connect.client_id and connect.version is Version.MQTT_3_1_1 and not connect.clean_start:
        raise BrokenRule(
            "a persistent session needs a client ID [MQTT-3.1.3-8]", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
        )
    if connect.properties is not NO_PROPERTIES:
        _check_properties(connect, limits)
    if connect.will is not None:
        _check_will(connect.will, limits)


def refusal(version: Version, reason_code: ReasonCode) -> bytes:
    """The CONNACK that refuses; nothing if MQTT 3.1.1 has no return code for the reason [MQTT-3.2.2-6]."""
    if version == Version.MQTT_5:
        return encode(Connack(False, reason_code), version)
    return_code = _RETURN_CODES.get(reason_code)
    return b"" if return_code is None else encode(Connack(False, return_code), version)


def refusal_of_version(error: MqttError) -> bytes:
    """The answer to a CONNECT of an unsupported MQTT version; nothing to all other errors."""
    if not isinstance(error, UnsupportedVersion) or error.answer_in is None:
        return b""
    if error.answer_in == Version.MQTT_5:
        return encode(Connack(False, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION), Version.MQTT_5)
    return encode(Connack(False, ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION), Version.MQTT_3_1_1)


def _check_properties(connect: Connect, limits: Limits) -> None:
    """Checks the properties. The client must accept a CONNACK [MQTT-3.1.2-24]."""
    if connect.properties.authentication_method is not None:
        raise BrokenRule("IoT Core has no extended authentication", ReasonCode.BAD_AUTHENTICATION_METHOD)
    check_properties(connect.properties, limits)
    most = connect.properties.maximum_packet_size
    if most is None:
        return
    answer = encode(connack(connect, _LONGEST_ASSIGNED, limits, session_present=False), connect.version)
    if len(answer) > most:
        raise BrokenRule("the client's Maximum Packet Size is too small for a CONNACK", ReasonCode.PACKET_TOO_LARGE)


def _check_will(will: Will, limits: Limits) -> None:
    if will.qos > 1:
        raise BrokenRule("IoT Core does not support a Will with QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if len(will.payload) > limits.payload:
        raise BrokenRule(f"a Will has at most {limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
    if will.properties is not NO_PROPERTIES:
        check_properties(will.properties, limits)
    if will.retain and is_reserved(will.topic):
        raise BrokenRule(NOT_RETAINED, ReasonCode.RETAIN_NOT_SUPPORTED)
    try:
        check_topic(will.topic, limits)
    except BrokenRule as error:
        raise BrokenRule(f"the Will's topic: {error}", error.reason_code) from None
