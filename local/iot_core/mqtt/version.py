"""The versions of MQTT that are spoken here."""

from enum import IntEnum


class Version(IntEnum):
    """A version of MQTT, as the protocol level in CONNECT."""

    MQTT_3_1_1 = 4
    MQTT_5 = 5
