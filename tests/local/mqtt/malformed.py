"""Packets that break one rule each."""

from collections.abc import Iterable
from typing import NamedTuple

import pytest

from iot_core.mqtt import MqttError, Version
from tests.local.mqtt.streams import decoder_of


class Broken(NamedTuple):
    """A rule with its number, a packet that breaks nothing else, and what must be said of it."""

    rule: str
    packet: bytes
    error: type[MqttError]
    text: str

    def check(self, version: Version | None) -> None:
        """In a version, or before CONNECT (None)."""
        decoder = decoder_of(version)
        decoder.receive(self.packet)
        with pytest.raises(self.error) as found:
            decoder.next()
        assert type(found.value) is self.error
        assert self.text in str(found.value)


def each_in(version: Version | None, rules: Iterable[Broken]) -> list[object]:
    """The rules as parameters `version` and `broken`, with their numbers in the tests' names."""
    name = version.name if version else "before CONNECT"
    return [pytest.param(version, broken, id=f"{broken.rule} ({name})") for broken in rules]
