"""Packets that break one rule each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from iot_core.mqtt import MqttError, Version
from tests.local.mqtt.streams import decoder_of


class Broken(NamedTuple):
    """A rule with its number, a packet that breaks only this rule, and the error that it must cause."""

    rule: str
    packet: bytes
    error: type[MqttError]
    text: str = ""
    """A part of the error's text. By default the rule's number."""

    def check(self, version: Version | None) -> None:
        """Decode the packet in a version, or before CONNECT (None)."""
        decoder = decoder_of(version)
        decoder.receive(self.packet)
        with pytest.raises(self.error) as found:
            decoder.next()
        assert type(found.value) is self.error
        assert (self.text or self.rule.split(" ")[0]) in str(found.value)


def each_rule(rules: Mapping[Version | None, Sequence[Broken]]) -> pytest.MarkDecorator:
    """Parameters `version` and `broken` for each rule; the test's name has the rule's number."""
    return pytest.mark.parametrize(
        ("version", "broken"),
        [
            pytest.param(version, broken, id=f"{broken.rule} ({version.name if version else 'before CONNECT'})")
            for version, each in rules.items()
            for broken in each
        ],
    )
