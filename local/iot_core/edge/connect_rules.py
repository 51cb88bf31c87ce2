"""IoT Core's rules for a CONNECT, and how many CONNECTs it accepts per second."""

import uuid
from collections.abc import Callable

from iot_core.broker.client import connack
from iot_core.broker.limits import BrokenRule, Limits, RateLimit
from iot_core.broker.publishing import check_properties
from iot_core.broker.topics import InvalidTopic, check_topic_name, is_event, is_reserved
from iot_core.mqtt import NO_PROPERTIES, Connect, ReasonCode, Version, Will, encode

_LONGEST_ASSIGNED = f"$GEN/{uuid.UUID(int=0)}"
"""As long as each client ID that IoT Core assigns."""
_REMEMBERED = 10_000
"""Client IDs whose rates are kept."""


class ConnectRate:
    """Counts CONNECTs per second, of the account and of each client ID."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds from any start."""
        self._limits = limits
        self._clock = clock
        self._account = RateLimit(limits.connects_per_second, clock)
        self._clients: dict[str, RateLimit] = {}

    def count(self) -> None:
        """Counts a CONNECT. Raises BrokenRule if the account has too many."""
        if not self._account.take():
            raise _too_many("connections", self._limits.connects_per_second)

    def count_client(self, client_id: str) -> None:
        """Counts an authorized CONNECT of a client ID. Raises BrokenRule if it has too many."""
        limit = self._limits.connects_per_client_per_second
        if limit is None:
            return
        if len(self._clients) >= _REMEMBERED:
            self._clients.clear()
        rate = self._clients.get(client_id)
        if rate is None:
            rate = self._clients[client_id] = RateLimit(limit, self._clock)
        if not rate.take():
            raise _too_many("connection with one client ID", limit)


def check_connect(connect: Connect, limits: Limits) -> None:
    """Checks a CONNECT. Raises BrokenRule with the MQTT reason code that refuses it."""
    if len(connect.client_id.encode()) > limits.client_id:
        raise BrokenRule(f"a client ID has at most {limits.client_id} bytes", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    if not connect.client_id and connect.version == Version.MQTT_3_1_1 and not connect.clean_start:
        raise BrokenRule(
            "a persistent session needs a client ID [MQTT-3.1.3-8]", ReasonCode.CLIENT_IDENTIFIER_NOT_VALID
        )
    if connect.properties is not NO_PROPERTIES:
        _check_properties(connect, limits)
    if connect.will is not None:
        _check_will(connect.will, limits)


def _check_properties(connect: Connect, limits: Limits) -> None:
    """Checks the properties. The client must accept a CONNACK [MQTT-3.1.2-24]."""
    if connect.properties.authentication_method is not None:
        raise BrokenRule("IoT Core has no extended authentication", ReasonCode.BAD_AUTHENTICATION_METHOD)
    check_properties(connect.properties, limits)
    most = connect.properties.maximum_packet_size
    if most is None:
        return
    answer = encode(connack(connect, _LONGEST_ASSIGNED, limits, session_present=False), connect.version)
    if len(answer) > most:
        raise BrokenRule("the client's Maximum Packet Size is too small for a CONNACK", ReasonCode.PACKET_TOO_LARGE)


def _check_will(will: Will, limits: Limits) -> None:
    if will.qos > 1:
        raise BrokenRule("IoT Core does not support a Will with QoS 2", ReasonCode.QOS_NOT_SUPPORTED)
    if len(will.payload) > limits.payload:
        raise BrokenRule(f"a Will has at most {limits.payload} bytes", ReasonCode.PACKET_TOO_LARGE)
    if will.properties is not NO_PROPERTIES:
        check_properties(will.properties, limits)
    if will.retain and is_reserved(will.topic):
        raise BrokenRule("IoT Core retains no message of a reserved topic", ReasonCode.RETAIN_NOT_SUPPORTED)
    try:
        check_topic_name(will.topic, limits)
    except InvalidTopic as error:
        raise BrokenRule(f"the Will's topic: {error}", ReasonCode.TOPIC_NAME_INVALID) from None
    if is_event(will.topic):
        raise BrokenRule("only IoT Core publishes events", ReasonCode.NOT_AUTHORIZED)


def _too_many(what: str, limit: int | None) -> BrokenRule:
    return BrokenRule(f"IoT Core accepts {limit} {what} per second", ReasonCode.CONNECTION_RATE_EXCEEDED)
