"""The CONNACK that refuses a CONNECT, in the client's MQTT version."""

from iot_core.mqtt import Connack, ConnectReturnCode, MqttError, ReasonCode, UnsupportedVersion, Version, encode

_RETURN_CODES = {
    ReasonCode.NOT_AUTHORIZED: ConnectReturnCode.NOT_AUTHORIZED,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: ConnectReturnCode.IDENTIFIER_REJECTED,
    ReasonCode.CONNECTION_RATE_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.SERVER_BUSY: ConnectReturnCode.SERVER_UNAVAILABLE,
}
"""MQTT 3.1.1 has return codes for these reason codes of MQTT 5."""


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
