"""MQTT clients on blocking sockets."""

import socket
import struct
from collections.abc import Sequence

from bench.broker import packets

Address = tuple[str, int]
PATIENCE = 10
"""Seconds that a client waits for anything at all, before it gives up."""


class BrokerFailed(Exception):
    """The broker closed a connection, sent something else than it should, or nothing for `PATIENCE` seconds."""


def open_connection(address: Address, connect: bytes) -> socket.socket:
    """A connection on which that CONNECT was accepted. Raises BrokerFailed; OSError where nobody listens."""
    connection = dial(address)
    connection.sendall(connect)
    expect(connection, packets.CONNACK_ACCEPTED)
    return connection


def dial(address: Address) -> socket.socket:
    """A TCP connection without Nagle's delay.

    The kernel ends calls after `PATIENCE`: Python's own time-out would cost another system call with each.
    """
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", PATIENCE, 0))
    return connection


def subscribe(connection: socket.socket, topic_filters: Sequence[str], qos: int) -> None:
    """Subscribes to all of them, at most eight a packet. Raises BrokerFailed where one is not granted at that QoS."""
    for start in range(0, len(topic_filters), packets.FILTERS_A_SUBSCRIBE):
        some = topic_filters[start : start + packets.FILTERS_A_SUBSCRIBE]
        connection.sendall(packets.subscribe(start + 1, some, qos))
        expect(connection, packets.suback(start + 1, len(some), qos))


def expect(connection: socket.socket, packet: bytes) -> None:
    """Reads as many bytes as that packet has. Raises BrokerFailed where they are others."""
    received = bytearray(len(packet))
    filled = 0
    while filled < len(packet):
        filled += receive_into(connection, memoryview(received)[filled:])
    if received != packet:
        raise BrokerFailed(f"expected {packet.hex()}, received {received.hex()}")


def receive_into(connection: socket.socket, buffer: memoryview) -> int:
    """Reads what is there, and waits for something; gives the number of bytes. Raises BrokerFailed."""
    try:
        size = connection.recv_into(buffer)
    except BlockingIOError:
        raise BrokerFailed(f"nothing for {PATIENCE} s") from None
    if not size:
        raise BrokerFailed("the broker closed the connection")
    return size
