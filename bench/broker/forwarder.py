"""A broker's least: it passes on the bytes that come, and looks into none. Against it the load generator shows how
fast it is itself."""

import select
import socket
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from bench.broker import packets
from bench.broker.brokers import HOST
from bench.broker.client import Address

_READ = 1 << 18


class Forwarder:
    """A process that lets everybody in, and sends all that is published to all subscribers.

    With `one_by_one`, each message goes out in a call of its own: the generator then gets the smallest reads there are.
    """

    def __init__(self, *, one_by_one: bool) -> None:
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.address: Address = self._listener.getsockname()
        self._process = get_context("fork").Process(target=_serve, args=(self._listener, one_by_one), daemon=True)

    @property
    def pid(self) -> int:
        """The process's ID."""
        return self._process.pid or 0

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._listener.close()


def _serve(listener: socket.socket, one_by_one: bool) -> None:
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections: dict[int, _Connection] = {}
    subscribers: dict[int, socket.socket] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                connection = _Connection(listener.accept()[0], subscribers, one_by_one=one_by_one)
                connections[connection.socket.fileno()] = connection
                poll.register(connection.socket, select.EPOLLIN)
            elif not connections[descriptor].receive():
                subscribers.pop(descriptor, None)
                poll.unregister(descriptor)
                connections.pop(descriptor).socket.close()


class _Connection:
    def __init__(self, accepted: socket.socket, subscribers: dict[int, socket.socket], *, one_by_one: bool) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self._subscribers = subscribers
        self._one_by_one = one_by_one
        self._rest = b""

    def receive(self) -> bool:
        """Whether the connection goes on."""
        try:
            chunk = self.socket.recv(_READ)
        except ConnectionError:
            return False
        if not chunk:
            return False
        if self.socket.fileno() in self._subscribers:
            return True  # Its acknowledgements.
        if not self._rest and chunk[0] == 0x10:
            self.socket.sendall(packets.CONNACK_ACCEPTED)
        elif not self._rest and chunk[0] == 0x82:
            self._subscribers[self.socket.fileno()] = self.socket
            self.socket.sendall(packets.suback(int.from_bytes(chunk[2:4], "big"), 1, chunk[-1]))
        else:
            self._forward(self._rest + chunk)
        return True

    def _forward(self, stream: bytes) -> None:
        size = 2 + stream[1]
        whole = len(stream) // size * size
        self._rest = stream[whole:]
        step = size if self._one_by_one else max(whole, 1)
        for start in range(0, whole, step):
            for subscriber in self._subscribers.values():
                subscriber.sendall(stream[start : start + step])
        if stream[0] == 0x32:
            self._acknowledge(stream, whole, size)

    def _acknowledge(self, stream: bytes, whole: int, size: int) -> None:
        place = 4 + int.from_bytes(stream[2:4], "big")
        acknowledgements = bytearray(packets.PUBACK * (whole // size))
        acknowledgements[2::4] = stream[place:whole:size]
        acknowledgements[3::4] = stream[place + 1 : whole : size]
        self.socket.sendall(acknowledgements)
