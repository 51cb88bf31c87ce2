"""A client that reads only when a test wants it."""

from collections.abc import Iterator
from contextlib import contextmanager

from iot_core.edge.connection import MqttConnection
from tests.local.harness.channels import SocketChannel
from tests.local.harness.client import Client
from tests.local.harness.running import Running


class SlowClient:
    """A client that takes as much as a test wants."""

    def __init__(self, running: Running, client: Client, connection: MqttConnection) -> None:
        self._running = running
        self._client = client
        self._connection = connection

    def is_slow(self) -> bool:
        """Whether too much waits for it."""
        return self._connection.slow

    def unsent(self) -> int:
        """How many bytes wait for it in this process."""
        return self._running.core.call(lambda: self._connection.unsent)

    def take(self, size: int) -> None:
        """Reads so many bytes."""
        channel = self._client.channel
        assert isinstance(channel, SocketChannel)
        while size > 0:
            size -= len(channel.socket.recv(size))


@contextmanager
def slow_client(running: Running) -> Iterator[SlowClient]:
    """One that reads nothing, and for whom as much waits as may."""
    with running.connected("slow", channel=running.narrow()) as client, running.connected("publisher") as publisher:
        client.subscribe("much")
        (connection,) = (one for one in running.core.connections if one.client and one.client.client_id == "slow")
        slow = SlowClient(running, client, connection)
        while not slow.is_slow():
            publisher.publish("much", bytes(100_000), qos=1)
        yield slow
