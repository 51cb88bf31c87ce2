"""An HTTP CONNECT proxy that connects every client to one port, for any address that it asks for.

AWS's SDK needs it, because its builder for MQTT 3.1.1 always connects to port 443.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer


@contextmanager
def proxy_to(host: str, port: int) -> Iterator[int]:
    """Run a proxy that connects to a host and port, and yield its own port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += self.request.recv(1)
            with socket.create_connection((host, port)) as server:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, self.request))
                back.start()
                _pump(self.request, server)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy.server_address[1]
        finally:
            proxy.shutdown()
            thread.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65_536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()
