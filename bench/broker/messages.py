"""The messages of a flow: 1,024 of one topic and one size, each with a payload of its own, again and again."""

import random
from functools import cache

from bench.broker import packets
from bench.broker.credentials import TOPIC

PAYLOAD_BYTES = 64
MOST_IN_FLIGHT = 200
_RING = 1024
"""Far more than are in flight, so that no packet ID is in use twice."""


class Messages:
    """PUBLISH packets, one behind the other in memory, so that any number of them is one slice."""

    def __init__(self, qos: int) -> None:
        payloads = random.Random(0)
        bodies = [payloads.randbytes(PAYLOAD_BYTES) for _ in range(_RING)]
        sent = [packets.publish(TOPIC, body, qos, number + 1) for number, body in enumerate(bodies)]
        received = [packets.publish(TOPIC, body, qos) for body in bodies]
        self.size = len(sent[0])
        self.packet_id = self.size - PAYLOAD_BYTES - 2
        """Where the packet ID stands in a packet, at QoS 1."""
        self._sent = memoryview(b"".join(sent + sent[:MOST_IN_FLIGHT]))
        self._received = memoryview(b"".join(received + received[:MOST_IN_FLIGHT]))

    def sent(self, first: int, number: int) -> memoryview:
        """So many packets from the first on, counted since the flow began; at most `MOST_IN_FLIGHT`."""
        return self._slice(self._sent, first, number)

    def received(self, first: int, number: int) -> memoryview:
        """The same as a subscriber gets them, with zeros for the packet IDs, which the broker chooses."""
        return self._slice(self._received, first, number)

    def _slice(self, ring: memoryview, first: int, number: int) -> memoryview:
        start = first % _RING * self.size
        return ring[start : start + number * self.size]


messages = cache(Messages)
"""By QoS."""
