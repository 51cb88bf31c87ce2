"""Reads and writes the properties of MQTT 5 by one table: types, allowed values, allowed packets (2.2.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from iot_core.mqtt.packets import NO_PROPERTIES, Properties
from iot_core.mqtt.primitives import (
    Reader,
    is_topic_name,
    write_binary,
    write_byte,
    write_four_byte_integer,
    write_string,
    write_two_byte_integer,
    write_variable_byte_integer,
)
from iot_core.mqtt.reason_codes import MalformedPacket, ProtocolError

Value = TypeVar("Value")


class Carrier(Enum):
    """What can have properties: a packet, or the Will in a CONNECT."""

    CONNECT = auto()
    CONNACK = auto()
    PUBLISH = auto()
    WILL = auto()
    PUBACK = auto()
    SUBSCRIBE = auto()
    SUBACK = auto()
    UNSUBSCRIBE = auto()
    UNSUBACK = auto()
    DISCONNECT = auto()


@dataclass(frozen=True, slots=True)
class DataType(Generic[Value]):
    """Reads and writes the values of one data type."""

    read: Callable[[Reader], Value]
    write: Callable[[Value], bytes]


@dataclass(frozen=True, slots=True)
class Property(Generic[Value]):
    """A row of table 2-4: a property, its data type, and what can have it."""

    identifier: int
    name: str
    """Its name in Properties."""
    type: DataType[Value]
    carriers: frozenset[Carrier]
    allows: Callable[[Value], bool] | None = None
    """Whether a value of its type is allowed; None if every value is."""
    repeatable: frozenset[Carrier] = frozenset()
    """The carriers that can have it several times. If there are any, it is a tuple in Properties."""

    def read(self, reader: Reader) -> Value:
        """Reads the value. Raises MalformedPacket, and ProtocolError for a value that is not allowed."""
        value = self.type.read(reader)
        if self.allows is not None and not self.allows(value):
            raise ProtocolError(f"{self.name} must not be {value!r:.40}")
        return value

    def write(self, value: Value) -> bytes:
        """Writes a value, without the identifier. Raises ValueError."""
        if self.allows is not None and not self.allows(value):
            raise ValueError(f"{self.name} must not be {value!r:.40}")
        return self.type.write(value)


def _read_boolean(reader: Reader) -> bool:
    byte = reader.byte()
    if byte > 1:
        raise ProtocolError(f"a boolean property is {byte}: only 0 and 1 are allowed (2.2.2.2)")
    return byte == 1


def _read_pair(reader: Reader) -> tuple[str, str]:
    return reader.string(), reader.string()


def _write_pair(pair: tuple[str, str]) -> bytes:
    return write_string(pair[0]) + write_string(pair[1])


def _is_positive(value: int) -> bool:
    return value > 0


def _is_0_or_1(value: int) -> bool:
    return value in (0, 1)


_BYTE = DataType(Reader.byte, write_byte)
_BOOLEAN = DataType(_read_boolean, write_byte)
_TWO_BYTES = DataType(Reader.two_byte_integer, write_two_byte_integer)
_FOUR_BYTES = DataType(Reader.four_byte_integer, write_four_byte_integer)
_VARIABLE = DataType(Reader.variable_byte_integer, write_variable_byte_integer)
_STRING = DataType(Reader.string, write_string)
_BINARY = DataType(Reader.binary, write_binary)
_PAIR = DataType(_read_pair, _write_pair)


def _in(*names: str) -> frozenset[Carrier]:
    return frozenset(Carrier[name] for name in names)


_MESSAGE = _in("PUBLISH", "WILL")
_CONNECTING = _in("CONNECT", "CONNACK")
_CONNECT = _in("CONNECT")
_CONNACK = _in("CONNACK")
_EVERYWHERE = frozenset(Carrier)
_NOT_REASONED = _in("CONNECT", "PUBLISH", "WILL", "SUBSCRIBE", "UNSUBSCRIBE")

AnyProperty = Property[int] | Property[bool] | Property[str] | Property[bytes] | Property[tuple[str, str]]

PROPERTIES: tuple[AnyProperty, ...] = (
    Property(0x01, "payload_format_indicator", _BYTE, _MESSAGE, _is_0_or_1),
    Property(0x02, "message_expiry_interval", _FOUR_BYTES, _MESSAGE),
    Property(0x03, "content_type", _STRING, _MESSAGE),
    Property(0x08, "response_topic", _STRING, _MESSAGE, is_topic_name),
    Property(0x09, "correlation_data", _BINARY, _MESSAGE),
    Property(0x0B, "subscription_identifiers", _VARIABLE, _in("PUBLISH", "SUBSCRIBE"), _is_positive, _in("PUBLISH")),
    Property(0x11, "session_expiry_interval", _FOUR_BYTES, _in("CONNECT", "CONNACK", "DISCONNECT")),
    Property(0x12, "assigned_client_identifier", _STRING, _CONNACK),
    Property(0x13, "server_keep_alive", _TWO_BYTES, _CONNACK),
    Property(0x15, "authentication_method", _STRING, _CONNECTING),
    Property(0x16, "authentication_data", _BINARY, _CONNECTING),
    Property(0x17, "request_problem_information", _BOOLEAN, _CONNECT),
    Property(0x18, "will_delay_interval", _FOUR_BYTES, _in("WILL")),
    Property(0x19, "request_response_information", _BOOLEAN, _CONNECT),
    Property(0x1A, "response_information", _STRING, _CONNACK),
    Property(0x1C, "server_reference", _STRING, _in("CONNACK", "DISCONNECT")),
    Property(0x1F, "reason_string", _STRING, _EVERYWHERE - _NOT_REASONED),
    Property(0x21, "receive_maximum", _TWO_BYTES, _CONNECTING, _is_positive),
    Property(0x22, "topic_alias_maximum", _TWO_BYTES, _CONNECTING),
    Property(0x23, "topic_alias", _TWO_BYTES, _in("PUBLISH"), _is_positive),
    Property(0x24, "maximum_qos", _BYTE, _CONNACK, _is_0_or_1),
    Property(0x25, "retain_available", _BOOLEAN, _CONNACK),
    Property(0x26, "user_properties", _PAIR, _EVERYWHERE, repeatable=_EVERYWHERE),
    Property(0x27, "maximum_packet_size", _FOUR_BYTES, _CONNECTING, _is_positive),
    Property(0x28, "wildcard_subscription_available", _BOOLEAN, _CONNACK),
    Property(0x29, "subscription_identifier_available", _BOOLEAN, _CONNACK),
    Property(0x2A, "shared_subscription_available", _BOOLEAN, _CONNACK),
)

ALLOWED: Mapping[Carrier, Mapping[int, AnyProperty]] = {
    carrier: {each.identifier: each for each in PROPERTIES if carrier in each.carriers} for carrier in Carrier
}
"""The properties that each carrier can have, by identifier."""

IDENTIFIERS: Mapping[str, int] = {each.name: each.identifier for each in PROPERTIES}
"""The identifier of each property, by its name in Properties."""


def read_properties(reader: Reader, carrier: Carrier) -> Properties:
    """Reads properties that follow their length.

    Raises MalformedPacket, and ProtocolError for a value that is not allowed and for a property that comes twice.
    """
    length = reader.variable_byte_integer()
    if length == 0:
        return NO_PROPERTIES
    part = reader.part(length)
    allowed = ALLOWED[carrier]
    values: dict[str, object] = {}
    # Lists first: adding to a tuple again and again would take quadratic time.
    several: dict[str, list[object]] = {}
    while part.offset < part.end:
        # The identifier is a variable byte integer. All existing identifiers take one byte.
        found = allowed.get(identifier := part.byte())
        if found is None:
            raise MalformedPacket(f"{carrier.name} with the property {identifier:#04x} (2.2.2.2)")
        name, value = found.name, found.read(part)
        if carrier in found.repeatable:
            several.setdefault(name, []).append(value)
        elif name in values:
            raise ProtocolError(f"{name} more than once (2.2.2.2)")
        else:
            values[name] = (value,) if found.repeatable else value
    for name, gathered in several.items():
        values[name] = tuple(gathered)
    return Properties.of(values)


def write_properties(properties: Properties, carrier: Carrier) -> bytes:
    """Writes properties after their length.

    Raises ValueError for a property that this carrier cannot have, and for a value that is not allowed.
    """
    if properties is NO_PROPERTIES:
        return b"\0"
    written = bytearray()
    for name, value in vars(properties).items():
        if value is None or value == ():
            continue
        found = ALLOWED[carrier].get(IDENTIFIERS[name])
        if found is None:
            raise ValueError(f"{carrier.name} cannot have {name}")
        values = value if found.repeatable else (value,)
        if len(values) > 1 and carrier not in found.repeatable:
            raise ValueError(f"{carrier.name} can have {name} only once")
        for each in values:
            written.append(found.identifier)
            written += found.write(each)
    return write_variable_byte_integer(len(written)) + written


def write_reason(reason_code: int, properties: bytes) -> bytes:
    """Writes a reason code and encoded properties at the end of a packet, without what is 0 or empty there."""
    if properties != b"\0":
        return bytes((reason_code,)) + properties
    return bytes((reason_code,)) if reason_code else b""
