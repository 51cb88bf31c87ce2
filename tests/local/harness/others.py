"""Two clients that a test must not disturb."""

from iot_core.mqtt import Publish
from tests.local.harness.client import Client


class Others:
    """Two clients that a test must not disturb."""

    def __init__(self, publisher: Client, subscriber: Client) -> None:
        self._publisher = publisher
        self._subscriber = subscriber
        self._count = 0

    def exchange(self) -> None:
        """They exchange a message."""
        self._count += 1
        self._publisher.publish("others", str(self._count).encode(), qos=1)
        assert self._subscriber.expect(Publish).payload == str(self._count).encode()
