"""A network between a browser and a server, which a test can cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer


class Network:
    """Forwards TCP connections from a port of its own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.target = 0
        """The port of the server on this machine."""
        self.works = True
        """Whether new connections get through."""
        self.silent = threading.Event()
        """Set for connections that carry nothing any more."""
        self.open: set[socket.socket] = set()

    def cut(self) -> None:
        """Ends each connection, and lets no new one through."""
        self.works = False
        for each in list(self.open):
            _shut(each)

    def silence(self) -> None:
        """Ends no connection, but none carries anything any more, as after a laptop's sleep in another network."""
        self.silent.set()

    def restore(self) -> None:
        """Lets new connections through."""
        self.works = True
        self.silent = threading.Event()


@contextmanager
def network() -> Iterator[Network]:
    """A network with a port of its own, for a block. Its `target` must be set before it is used."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            if made.works:
                _carry(made, self.request)

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        made = Network(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield made
        finally:
            made.cut()
            server.shutdown()
            thread.join()


def _carry(made: Network, client: socket.socket) -> None:
    """Carries what a client and the server send, until one of them ends the connection."""
    with socket.create_connection(("127.0.0.1", made.target)) as server:
        made.open |= {client, server}
        back = threading.Thread(target=_pump, args=(server, client, made.silent))
        back.start()
        _pump(client, server, made.silent)
        back.join()
        made.open -= {client, server}


def _pump(source: socket.socket, target: socket.socket, silent: threading.Event) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            if not silent.is_set():
                target.sendall(chunk)
    if not silent.is_set():
        _shut(target)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
