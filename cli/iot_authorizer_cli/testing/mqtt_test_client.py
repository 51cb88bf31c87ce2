"""An MQTT client for tests: each call returns when IoT Core has answered, or raises what IoT Core decided.

1. It speaks MQTT 3.1.1 and never reconnects: a refused client raises at once and never hangs a test.
2. Everything is sent with QoS 1. IoT Core acknowledges a message after it has passed it on to all subscribers.
3. `received` first sends an UNSUBSCRIBE for a topic filter that no client has, which needs no permission. All messages
   that IoT Core passed on before arrive before its answer. So a test that expects no message does not wait.
4. IoT Core does not tell a client why it refuses something. The feed of IoT Core on this machine says it
   (`connection_records.py`).
"""

import queue
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from iot_authorizer_cli.testing.connection_records import ConnectionRecords
from iot_core.feed import Record

_PATIENCE = 10
"""Seconds to wait for an answer; IoT Core waits 5 seconds for an authorizer's function."""
_NOWHERE = "iot-authorizer/no-client-subscribes-to-this"


class ClientRefused(Exception):
    """IoT Core or the authorizer refused a client or what it sent, or IoT Core has ended its connection."""

    def __init__(self, what: str, record: Record) -> None:
        self.record = record
        """The record of the feed that says why (docs/reference/presence-and-feed.md); empty if there is none."""
        self.reason = str(record.get("reason") or record.get("disconnect_reason", ""))
        """The reason code (docs/reference/log-and-reason-codes.md), or the disconnect reason."""
        because = record.get("explanation")
        words = [self.reason, record.get("detail"), because[0] if isinstance(because, list) and because else None]
        super().__init__(": ".join([what, *(str(word) for word in words if word)]))


class ReceivedMessage(NamedTuple):
    """A message that a client received."""

    topic: str
    payload: bytes


class MqttTestClient:
    """A connected client."""

    def __init__(self, port: int, client_id: str, user_name: str | None, records: ConnectionRecords) -> None:
        """Connects to a plain port of this machine. Raises ClientRefused."""
        __tracebackhide__ = True
        self.client_id = client_id
        self._records = records
        self._answers: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        """What IoT Core answered, and whether that means success."""
        self._messages: queue.SimpleQueue[ReceivedMessage] = queue.SimpleQueue()
        client = self._paho = paho.Client(CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False)
        client.on_connect = lambda _c, _u, _f, code, _p: self._answers.put(("connack", not code.is_failure))
        client.on_subscribe = lambda _c, _u, _m, codes, _p: self._answers.put(("suback", not codes[0].is_failure))
        client.on_unsubscribe = lambda *_: self._answers.put(("unsuback", True))
        client.on_publish = lambda *_: self._answers.put(("puback", True))
        client.on_disconnect = lambda *_: self._answers.put(("disconnected", False))
        client.on_message = self._on_message
        if user_name is not None:
            client.username_pw_set(user_name)
        try:
            self._ask("connack", f"connect as {client_id}", partial(self._connect, port), "connect")
            records.connected()
        except BaseException:
            self.close()
            raise

    def publish(self, topic: str, payload: str | bytes = b"", *, retain: bool = False) -> None:
        """Publishes a message and waits until IoT Core has passed it on. Raises ClientRefused."""
        __tracebackhide__ = True
        publish = partial(self._paho.publish, topic, payload, qos=1, retain=retain)
        self._ask("puback", f"publish {topic}", publish, "publish", "retain")

    def subscribe(self, topic_filter: str) -> None:
        """Subscribes and waits for the answer. Raises ClientRefused."""
        __tracebackhide__ = True
        self._ask("suback", f"subscribe {topic_filter}", partial(self._paho.subscribe, topic_filter, 1), "subscribe")

    def received(self) -> list[ReceivedMessage]:
        """Returns the messages since the last call, as (topic, payload). Raises ClientRefused if disconnected."""
        __tracebackhide__ = True
        self._ask("unsuback", "receive", partial(self._paho.unsubscribe, _NOWHERE))
        return [self._messages.get() for _ in range(self._messages.qsize())]

    def close(self) -> None:
        """Disconnects."""
        self._paho.disconnect()
        self._paho.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, port: int) -> None:
        self._paho.connect("127.0.0.1", port)
        self._paho.loop_start()

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._messages.put(ReceivedMessage(message.topic, bytes(message.payload)))

    def _ask(self, answer: str, what: str, send: Callable[[], object], *actions: str) -> None:
        """Sends something and waits for the answer. `actions` are what it needs a permission for.

        Raises ClientRefused for a failure, and for the end of the connection.
        """
        __tracebackhide__ = True  # pytest shows the line of the test instead.
        self._records.begin_call()
        send()
        try:
            found, succeeded = self._answers.get(timeout=_PATIENCE)
        except queue.Empty:
            raise TimeoutError(f"{what}: no answer within {_PATIENCE} s") from None
        if found == "disconnected":
            self._answers.put((found, succeeded))  # Later calls fail at once, too.
            raise ClientRefused(what, self._records.end(actions))
        if found != answer or not succeeded:
            raise ClientRefused(what, self._records.refusal(actions))
