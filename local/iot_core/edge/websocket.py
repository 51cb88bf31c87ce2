"""MQTT over WebSocket (MQTT 5.0, section 6), with the I/O-free protocol of the library `websockets`.

An upgrade request can be signed in its URL. A wrong signature is answered with 403, and the client never gets to its
CONNECT.
unmeasured (reported, https://github.com/aws/aws-iot-device-sdk-java/issues/114, 2019; checks sigv4-secret,
sigv4-service, sigv4-region, sigv4-expired, sigv4-future): that AWS answers 403, for each mistake.

A client with the old subprotocol `mqttv3.1` gets one packet in each message, and each in a TLS record of its own. AWS's
device SDK v1 for Python, which uses it, processes the first packet of a message, and the others only when more bytes
come. All other clients get the packets of a flush in one message, which is faster.

unmeasured (reported, https://github.com/massi-ang/aws-iot-custom-authorizer-sample/issues/17, 27 April 2022; check
websocket-wrong-token): that an upgrade with wrong credentials is answered with 101, and only its CONNECT is refused.
unmeasured (checks websocket-no-subprotocol, websocket-old-subprotocol): that an upgrade without a subprotocol is
refused (assumed from MQTT), and that a custom authorizer's client may use the old one (assumed: signed ones do).

Frames can come in the same bytes as the upgrade request. They are read after the request is answered: only then it is
known whether they are frames at all.
"""

import asyncio
import base64
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

from websockets.exceptions import InvalidMessage
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.utils import accept_key, generate_key

from iot_core.authorizers.event import HttpContext, join_headers
from iot_core.edge.connection import MqttConnection
from iot_core.edge.host_check import UNKNOWN_HOST
from iot_core.edge.outbox import Channel
from iot_core.iam.access_keys import AccessKey, IamPrincipal
from iot_core.iam.signing import SentRequest
from iot_core.iam.verifying import SignatureRefused
from iot_core.mqtt import MalformedPacket
from iot_core.reasons import IotCoreReason

PATH = "/mqtt"
_OLD_SUBPROTOCOL = "mqttv3.1"
_SUBPROTOCOLS = ("mqtt", _OLD_SUBPROTOCOL)
_END_OF_HEAD = b"\r\n\r\n"
_LONGEST_FRAME = 256 * 1024
"""Bytes; an MQTT packet has at most 146 KiB."""

_LONGEST_KEY = 256
"""Bytes of a Sec-WebSocket-Key."""
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

BeginMqtt = Callable[[Channel, HttpContext, IamPrincipal | None], MqttConnection]
"""Begins an MQTT connection on a WebSocket with this upgrade request, and the principal that signed it."""
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.ERROR)  # Requests, which the library logs for debugging, have tokens and signatures.

OnRefusal = Callable[[IotCoreReason, str], None]
"""Called with the reason of a refused upgrade, because a program in a browser never sees the answer."""
Verify = Callable[[SentRequest], AccessKey | None]
"""Verifies an upgrade request; None if it is not signed. Raises SignatureRefused."""


class MqttOverWebSocket(asyncio.Protocol):
    """Carries an MQTT connection over a WebSocket. It is the connection's channel."""

    def __init__(
        self,
        transport: asyncio.Transport,
        begin: BeginMqtt,
        on_refusal: OnRefusal,
        knows: Callable[[str], bool],
        verify: Verify,
    ) -> None:
        """`knows` says whether a Host header names this server. Pages of any origin may connect."""
        self._transport = transport
        self._begin = begin
        self._on_refusal = on_refusal
        self._knows = knows
        self._verify = verify
        self._protocol = ServerProtocol(
            subprotocols=list(map(Subprotocol, _SUBPROTOCOLS)), max_size=_LONGEST_FRAME, logger=_logger
        )
        self._connection: MqttConnection | None = None
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing = transport.is_closing
        self.abort = transport.abort

    def data_received(self, data: bytes) -> None:
        """Takes bytes from the network. The first ones begin with the whole head of the upgrade request."""
        if self._transport.is_closing():  # TLS hands over what it has read before.
            return
        if self._protocol.state is State.CONNECTING:
            head = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            self._read(data[:head])
            data = data[head:]
        if data and not self._transport.is_closing():
            self._read(data)

    def eof_received(self) -> None:
        """The client sends no more, which ends the connection."""
        self._protocol.receive_eof()
        if self._connection is not None:
            self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The network connection is lost."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """The network's write buffer is full."""
        if self._connection is not None:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The network's write buffer has room again."""
        if self._connection is not None:
            self._connection.resume_writing()

    def write(self, chunk: bytes) -> None:
        """Sends whole packets in binary messages [MQTT-6.0.0-1], several in one unless the client is an old one."""
        for message in packets(chunk) if self._protocol.subprotocol == _OLD_SUBPROTOCOL else (chunk,):
            if self._protocol.state is State.OPEN:
                self._protocol.send_binary(message)
                self._send()

    def close(self) -> None:
        """Begins the closing handshake; the client's close frame completes it (RFC 6455, section 7.1.1)."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
        self._send()

    def _read(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._answer(event)
            elif isinstance(event, Frame):
                self._receive(event)
        self._check()
        self._send()

    def _answer(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        if (refusal := self._refusal(path, request)) is not None:
            self._refuse(refusal)
            return
        try:
            key = self._verify(_sent(request))
        except SignatureRefused as refused:
            self._protocol.send_response(self._forbidden(refused))
            self._on_refusal(refused.reason, refused.detail)
            return
        response = self._accept(request)
        if response.status_code != 101:
            self._refuse(response)
            return
        self._protocol.send_response(response)
        http = HttpContext.model_construct(
            headers=join_headers(request.headers.raw_items()), query_string=f"?{query}" if query else None
        )
        self._connection = self._begin(self, http, None if key is None else key.principal)

    def _accept(self, request: Request) -> Response:
        """Accepts an upgrade, also with a Sec-WebSocket-Key of another length than 16 bytes (RFC 6455, section 4.1)."""
        # AWS's device SDK v1 for Python sends 128 bytes, and looks for the answer's header in lower case.
        keys = request.headers.get_all("Sec-WebSocket-Key")
        if len(keys) != 1 or not _is_odd_key(keys[0]):
            return self._protocol.accept(request)
        headers = request.headers.copy()
        del headers["Sec-WebSocket-Key"]
        headers["Sec-WebSocket-Key"] = generate_key()
        response = self._protocol.accept(replace(request, headers=headers))
        if response.status_code == 101:
            del response.headers["Sec-WebSocket-Accept"]
            response.headers["sec-websocket-accept"] = accept_key(keys[0])
        return response

    def _refuse(self, response: Response) -> None:
        self._protocol.send_response(response)
        self._on_refusal(IotCoreReason.NOT_MQTT, f"{response.status_code}: {bytes(response.body).decode().strip()}")

    def _forbidden(self, refused: SignatureRefused) -> Response:
        """AWS's answer. Its text and its headers were seen for an invalid session token."""
        trace_id = str(uuid.uuid4())
        response = self._protocol.reject(403, json.dumps({"message": refused.error.message, "traceId": trace_id}))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["x-amzn-RequestId"] = trace_id
        response.headers["x-amzn-ErrorType"] = refused.error.type
        return response

    def _refusal(self, path: str, request: Request) -> Response | None:
        """The answer to an upgrade that IoT Core refuses; None to all others."""
        hosts = request.headers.get_all("Host")
        if len(hosts) > 1:
            return self._protocol.reject(400, "expected one Host header (RFC 9112, section 3.2)\n")
        if not self._knows("".join(hosts)):
            return self._protocol.reject(421, f"{UNKNOWN_HOST}\n")
        if path != PATH:
            return self._protocol.reject(404, f"MQTT over WebSocket is at {PATH}\n")
        offered = [
            name.strip() for value in request.headers.get_all("Sec-WebSocket-Protocol") for name in value.split(",")
        ]
        if not set(offered) & set(_SUBPROTOCOLS):
            return self._protocol.reject(400, "expected Sec-WebSocket-Protocol: mqtt [MQTT-6.0.0-3]\n")
        return None

    def _receive(self, frame: Frame) -> None:
        if self._connection is None:
            return
        if frame.opcode is Opcode.TEXT:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "MQTT needs binary messages")
            self._connection.fail(MalformedPacket("MQTT needs binary messages [MQTT-6.0.0-1]"))
        elif frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._connection.data_received(bytes(frame.data))

    def _check(self) -> None:
        """Ends the connection of a client that broke a rule of WebSocket or HTTP."""
        problem = self._protocol.parser_exc or self._protocol.handshake_exc
        if problem is None:
            return
        if self._connection is not None:
            self._connection.fail(MalformedPacket(f"WebSocket: {problem}"))
        elif not self._protocol.accept_called:
            text = str(problem.__cause__ or problem)
            if isinstance(problem, InvalidMessage):  # The library does not answer such a request.
                self._transport.write(_BAD_REQUEST)
                text = text.partition(":")[0]  # It quotes the line, which can have a token or a signature.
            self._on_refusal(IotCoreReason.NOT_MQTT, f"WebSocket: {text}")

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        for chunk in self._protocol.data_to_send():
            if chunk:
                self._transport.write(chunk)
            else:
                self._transport.close()


def packets(chunk: bytes) -> Iterator[bytes]:
    """Takes whole MQTT packets apart."""
    start = 0
    while start < len(chunk):
        at, length, shift = start + 1, 0, 0
        while chunk[at] & 0x80:
            length, shift, at = length | (chunk[at] & 0x7F) << shift, shift + 7, at + 1
        end = at + 1 + (length | chunk[at] << shift)
        yield chunk[start:end]
        start = end


def _is_odd_key(key: str) -> bool:
    """Whether a Sec-WebSocket-Key is valid but for its length."""
    try:
        length = len(base64.b64decode(key, validate=True))
    except ValueError:
        return False
    return 0 < length <= _LONGEST_KEY and length != 16


def _sent(request: Request) -> SentRequest:
    """The upgrade request as bytes. The library decodes headers as Latin-1, and refuses a path that is not ASCII."""
    path, _, query = request.path.encode().partition(b"?")
    headers = tuple((name.lower(), value.encode("latin-1")) for name, value in request.headers.raw_items())
    return SentRequest("GET", path, query, headers)
