"""A client of MQTT that may send anything, and tells what it receives in a few words.

It reads until the answer to a PINGREQ, so that it need not wait for silence to know that nothing else comes.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, cast

from iot_authorizer_cli.commands.conformance.aws_key import AwsKey
from iot_core.edge.host_check import is_named
from iot_core.mqtt import (
    Connack,
    Connect,
    Decoder,
    Disconnect,
    MqttError,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    Suback,
    Version,
    encode,
)

_LARGEST = 1 << 20
CLOSED = "closed"
"""Where a packet is expected: the connection has ended."""
SILENCE = "nothing"
"""Where a packet is expected: none came in time."""


class NotTried(Exception):
    """A question that cannot be asked at this endpoint. Its text is the reason, and what to do."""


class RoleRefused(NotTried):
    """AWS STS does not give a session of the role."""

    def __init__(self, code: str) -> None:
        self.code = code
        """The code of the error."""
        super().__init__(f"AssumeRole of the role: {code}")


def _no_key() -> AwsKey:
    raise NotTried("no access key is known")


class Stream(Protocol):
    """What carries MQTT: a socket, or something like it."""

    def sendall(self, content: bytes, /) -> None:
        """Sends bytes. Raises OSError."""

    def recv(self, most: int, /) -> bytes:
        """The next bytes; empty at the end. Raises OSError, TimeoutError if none come in time."""

    def close(self) -> None:
        """Closes the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the client connects, by TLS, and as whom."""

    host: str
    port: int
    authorizer: str
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    """What the user shows over HTTPS and WebSockets."""
    patience: float
    """Seconds that it waits for a packet."""
    ca: Path | None = None
    """The certificate authority, if it is no public one."""
    time_scale: float = 1
    """How many times as fast the seconds of an authorizer's answer pass."""
    alpn: str | None = "mqtt"
    """The ALPN name of MQTT: for custom authorizers on port 443 (guide, "Device communication protocols")."""
    sends_server_name: bool = True
    """Whether TLS tells the host's name (SNI)."""
    signed_authorizer: str | None = None
    """The name of the authorizer with signing; None if none is deployed."""
    token_signature: str = field(default="", repr=False)
    """The token's signature for that authorizer, in base64: with a plus, a slash and padding."""
    find_key: Callable[[], AwsKey] = field(default=_no_key, repr=False, compare=False)
    """Gives the access key of AWS that the client signs with. Raises NotTried."""

    @property
    def address(self) -> str:
        """The Host header."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    @property
    def user_name(self) -> str:
        """The user name of CONNECT, which names the authorizer."""
        return f"{self.user}?x-amz-customauthorizer-name={self.authorizer}"


class Wire:
    """One connection."""

    def __init__(self, endpoint: Endpoint, version: Version, stream: Stream | None = None) -> None:
        """Connects, unless a stream is given. Raises OSError."""
        self.version = version
        self._decoder = Decoder(_LARGEST, version)
        self._stream = stream or connect_tls(endpoint, endpoint.alpn)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Closes the connection without a DISCONNECT."""
        self._stream.close()

    def send(self, *packets: Packet) -> None:
        """Sends packets. What the other side has closed does not take them."""
        self.send_bytes(b"".join(encode(packet, self.version) for packet in packets))

    def send_bytes(self, content: bytes) -> None:
        """Sends bytes, which need not be MQTT."""
        with contextlib.suppress(OSError):  # The next read tells it.
            self._stream.sendall(content)

    def read(self) -> Packet | str:
        """The next packet; or `closed`, or `nothing` if none comes in time."""
        try:
            while (packet := self._decoder.next()) is None:
                received = self._stream.recv(65536)
                if not received:
                    return CLOSED
                self._decoder.receive(received)
        except TimeoutError:
            return SILENCE
        except OSError:
            return CLOSED
        except MqttError as error:
            return f"not MQTT: {error}"
        return packet

    def answer(self, *packets: Packet) -> str:
        """Sends packets and a PINGREQ, and tells in words what comes before its answer, or before the end."""
        self.send(*packets, Pingreq())
        return ", ".join(self._until_pingresp()) or SILENCE

    def next_of(self, kind: type[Packet]) -> Packet | str:
        """The next packet of a kind; others are skipped. The end or silence in words."""
        while not isinstance(packet := self.read(), (str, kind)):
            pass
        return packet

    def _until_pingresp(self) -> Iterator[str]:
        while not isinstance(packet := self.read(), Pingresp):
            yield described(packet)
            if isinstance(packet, str):
                return


def described(packet: Packet | str) -> str:
    """A packet in a few words, or these words. Codes are in hexadecimal."""
    if isinstance(packet, str):
        return packet
    name = type(packet).__name__.upper()
    if isinstance(packet, Connack) and packet.session_present:
        return f"{name} {packet.reason_code:#04x} with a session"
    if isinstance(packet, (Connack, Puback, Disconnect)):
        return f"{name} {packet.reason_code:#04x}"
    if isinstance(packet, Suback):
        return f"{name} {' '.join(f'{code:#04x}' for code in packet.reason_codes)}"
    if isinstance(packet, Publish):
        return f"{name} QoS {packet.qos}{', retained' if packet.retain else ''}: {packet.payload.decode()}"
    return name


def connect_packet(endpoint: Endpoint, version: Version, client_id: str, **fields: object) -> Connect:
    """A CONNECT with the credentials; `fields` replace others."""
    given = {"keep_alive": 60, "user_name": endpoint.user_name, "password": endpoint.password.encode(), **fields}
    return Connect(version, client_id, **given)  # type: ignore[arg-type]  # The checks name fields of CONNECT.


def connect_tls(endpoint: Endpoint, alpn: str | None) -> ssl.SSLSocket:
    """Connects with TLS, whose certificate must name the host. Raises OSError."""
    context = tls_context(endpoint)
    context.check_hostname = endpoint.sends_server_name
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=endpoint.patience)
    connected = context.wrap_socket(plain, server_hostname=endpoint.host if endpoint.sends_server_name else None)
    if not endpoint.sends_server_name and not is_named(endpoint.host, _names(connected)):
        connected.close()
        raise OSError("the certificate is for another host")
    return connected


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The client's side of TLS, which trusts the CA of the endpoint."""
    return ssl.create_default_context(cafile=endpoint.ca)


def _names(connected: ssl.SSLSocket) -> Collection[str]:
    """The host names of the server's certificate. TLS does not compare them if it sends none."""
    certificate = connected.getpeercert() or {}
    pairs = cast("Iterable[tuple[str, str]]", certificate.get("subjectAltName", ()))
    return [name for kind, name in pairs if kind == "DNS"]
