"""Reads and writes the properties of a packet or a Will (MQTT 5, 2.2.2)."""

from iot_core.mqtt.errors import MalformedPacket, ProtocolError
from iot_core.mqtt.primitives import Reader, write_variable_byte_integer
from iot_core.mqtt.properties import NO_PROPERTIES, Properties
from iot_core.mqtt.property_table import ALLOWED, IDENTIFIERS, Carrier


def read_properties(reader: Reader, carrier: Carrier) -> Properties:
    """The properties behind their length.

    Raises MalformedPacket, and ProtocolError for a value that is not allowed or stands there twice.
    """
    length = reader.variable_byte_integer()
    if length == 0:
        return NO_PROPERTIES
    part = reader.part(length)
    allowed = ALLOWED[carrier]
    values: dict[str, object] = {}
    # Lists at first: to make a tuple longer again and again would take quadratic time.
    several: dict[str, list[object]] = {}
    while part.offset < part.end:
        # The identifier is a variable byte integer; all that exist take one byte.
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
    """The properties behind their length.

    Raises ValueError for a property that this carrier may not have, and for a value that is not allowed.
    """
    if properties is NO_PROPERTIES:
        return b"\0"
    written = bytearray()
    for name, value in vars(properties).items():
        if value is None or value == ():
            continue
        found = ALLOWED[carrier].get(IDENTIFIERS[name])
        if found is None:
            raise ValueError(f"{carrier.name} can't have {name}")
        values = value if found.repeatable else (value,)
        if len(values) > 1 and carrier not in found.repeatable:
            raise ValueError(f"{carrier.name} can have {name} only once")
        for each in values:
            written.append(found.identifier)
            written += found.write(each)
    return write_variable_byte_integer(len(written)) + written


def write_reason(reason_code: int, properties: bytes) -> bytes:
    """A reason code and written properties at the end of a packet, where each may be left out when it says nothing."""
    if properties != b"\0":
        return bytes((reason_code,)) + properties
    return bytes((reason_code,)) if reason_code else b""
