"""The broker without a network, with a clock that tests set.

broker.connect("alice").subscribe("a/#", qos=1)
broker.connect("bob").publish("a/b", b"hello")
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from iot_core.broker.broker import Broker
from iot_core.broker.limits import IOT_CORE, Limits
from iot_core.broker.message import Message
from iot_core.broker.retained import Retained
from iot_core.broker.session import Session
from iot_core.broker.storage import Storage
from iot_core.mqtt import Connect, Version, Will
from tests.clock import Clock
from tests.local.broker.peer import Peer, Policy, given_properties

MQTT_3_1_1, MQTT_5 = Version.MQTT_3_1_1, Version.MQTT_5
only_mqtt_5 = pytest.mark.parametrize("version", [MQTT_5])
only_mqtt_3_1_1 = pytest.mark.parametrize("version", [MQTT_3_1_1])
START = 1_700_000_000.0
"""Seconds since 1970 when a test begins."""


class Bench:
    """A broker, and everything that a test does with it."""

    def __init__(
        self, version: Version = MQTT_5, storage: Path | str = ":memory:", limits: Limits | None = None
    ) -> None:
        self.version = version
        """The MQTT version of clients, unless a test names one."""
        self.clock = Clock(START)
        self.reports: list[tuple[str, Mapping[str, object]]] = []
        self._path = storage
        self.limits = limits or IOT_CORE
        self._start()

    @property
    def storage(self) -> Storage:
        return self.broker.storage

    def connect(
        self,
        client_id: str = "alice",
        version: Version | None = None,
        *,
        clean: bool = True,
        expiry: int | None = None,
        will: Will | None = None,
        keep_alive: int = 60,
        policy: Policy | None = None,
        **properties: object,
    ) -> Peer:
        """Connect a client. `expiry` is the session expiry of MQTT 5."""
        version = version or self.version
        if version is MQTT_5:
            properties |= {"session_expiry_interval": expiry}
        connect = Connect(version, client_id, clean, keep_alive, None, None, will, given_properties(properties))
        return Peer(self.broker, connect, policy or Policy(), client_id or "$GEN/1")

    def persistent(self, client_id: str = "alice", version: Version | None = None, **options: object) -> Peer:
        """Connect a client with a session that it keeps for an hour, or resumes."""
        version = version or self.version
        expiry = 3600 if version is MQTT_5 else None
        return self.connect(client_id, version, **{"clean": False, "expiry": expiry, **options})  # type: ignore[arg-type]

    def subscriber(
        self,
        *topic_filters: str,
        qos: int = 0,
        client_id: str = "alice",
        persistent: bool = False,
        **options: bool | int,
    ) -> Peer:
        """Connect a client, and subscribe it."""
        peer = (self.persistent if persistent else self.connect)(client_id)
        peer.subscribe(*topic_filters, qos=qos, **options)
        return peer

    def leave(self, *topic_filters: str, qos: int = 0, client_id: str = "alice") -> None:
        """Connect a client with a persistent session, subscribe it, and lose its connection."""
        self.subscriber(*topic_filters, qos=qos, client_id=client_id, persistent=True).lose()

    def session(self, client_id: str = "alice") -> Session:
        """Return a session that exists."""
        session = self.broker.session(client_id)
        assert session is not None
        return session

    def retained(self, topic: str) -> Retained:
        """Return a retained message that exists."""
        retained = self.broker.retained.get(topic)
        assert retained is not None
        return retained

    def publish(self, topic: str, payload: bytes = b"", qos: int = 0, retain: bool = False) -> None:
        """Publish as the HTTP API does."""
        self.broker.publish(Message(topic, payload, qos, retain))

    def number(self, *numbers: int, qos: int = 1) -> None:
        """Publish messages to the topic `a`. Their payloads are these numbers."""
        for number in numbers:
            self.publish("a", b"%d" % number, qos)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds
        self.broker.tick()

    def restart(self) -> None:
        """Stop the broker, and start it again."""
        self.broker.close()
        self.storage.close()
        self._start()

    def kill(self) -> None:
        """Kill the process after a commit, and start another one."""
        self.storage.commit()
        self.storage.database.close()
        self._start()

    def dropped(self) -> list[object]:
        """Return the reported reasons of dropped messages."""
        return [fields["reason"] for kind, fields in self.reports if kind == "dropped"]

    def missed(self, client_id: str = "alice") -> int:
        """Return how many messages a session missed, or was not allowed to publish."""
        return self.session(client_id).dropped

    def _start(self) -> None:
        storage = Storage(self._path)
        self.broker = Broker(storage, limits=self.limits, clock=self.clock, report=self._report)

    def _report(self, kind: str, **fields: object) -> None:
        self.reports.append((kind, fields))


def limits(**values: int | None) -> Limits:
    """Return IoT Core's limits with some changes."""
    return replace(IOT_CORE, **values)  # type: ignore[arg-type]


def will(
    topic: str = "wills/alice", payload: bytes = b"gone", qos: int = 0, retain: bool = False, **values: object
) -> Will:
    return Will(topic, payload, qos, retain, given_properties(values))
