"""Killed with SIGKILL during QoS 1 traffic, `dev` loses no message that it acknowledged."""

import threading
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from iot_authorizer_cli.project.development_issuer import DATA, DevelopmentIssuer
from tests.cli.dev import Dev

pytestmark = pytest.mark.slow

TOPIC = "rooms/lobby/say/ann"
RETAINED = "rooms/lobby/topic"
PATIENCE = 20


class Client:
    """A client with a persistent session, and the messages that it received."""

    def __init__(self, folder: Path, client_id: str) -> None:
        token = DevelopmentIssuer(folder / DATA).token("ann", {"rooms": ["lobby"]}, 3600)
        self.client_id = client_id
        self.got: list[str] = []
        self.acknowledged: set[int] = set()
        self.progress = threading.Condition()
        self._sent: dict[int, str] = {}
        self.paho = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False, reconnect_on_failure=False)
        self.paho.username_pw_set(f"?x-amz-customauthorizer-name=chat&token={token}")
        self.paho.max_inflight_messages_set(20)
        self.paho.on_message = lambda _c, _u, message: self._happened(lambda: self.got.append(message.payload.decode()))
        self.paho.on_publish = lambda _c, _u, mid, _r, _p: self._happened(lambda: self.acknowledged.add(mid))
        self.paho.on_subscribe = lambda *_: self._happened(lambda: self.got.append("subscribed"))

    def connect(self, dev: Dev) -> None:
        self.paho.connect("127.0.0.1", dev.port)
        self.paho.loop_start()

    def publish(self, topic: str, text: str, *, retain: bool = False) -> None:
        # Paho calls back while it holds the lock that its publish() waits for: none of ours may be held here.
        self._sent[self.paho.publish(topic, text, 1, retain).mid] = text

    def promised(self) -> set[str]:
        """The texts that were acknowledged."""
        return {self._sent[packet_id] for packet_id in self.acknowledged}

    def wait(self, done: Callable[[], bool]) -> None:
        with self.progress:
            assert self.progress.wait_for(done, PATIENCE)

    def leave(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def _happened(self, what: Callable[[], object]) -> None:
        with self.progress:
            what()
            self.progress.notify_all()


@pytest.mark.parametrize("moment", [1, 40, 150], ids=lambda moment: f"after {moment} acknowledgments")
def test_what_was_acknowledged_arrives_after_all(folder: Path, moment: int) -> None:
    publisher, away, there = (Client(folder, f"ann/{name}") for name in ("publisher", "away", "there"))
    with Dev(folder, "--no-throttling") as dev:
        for subscriber in (away, there):
            subscriber.connect(dev)
            subscriber.paho.subscribe("rooms/lobby/#", 1)
            subscriber.wait(lambda subscriber=subscriber: "subscribed" in subscriber.got)  # type: ignore[misc]
        away.leave()
        publisher.connect(dev)
        publisher.publish(RETAINED, "retained", retain=True)
        for number in range(300):
            publisher.publish(TOPIC, f"message {number}")
        publisher.wait(lambda: len(publisher.acknowledged) >= moment)
        dev.kill()
    for client in (publisher, there):
        client.leave()
    promised = publisher.promised() - {"retained"}
    with Dev(folder, "--no-throttling") as dev:
        for before in (away, there):
            again = Client(folder, before.client_id)
            again.connect(dev)
            again.wait(lambda before=before, again=again: promised <= {*before.got, *again.got})  # type: ignore[misc]
            again.leave()
        late = Client(folder, "ann/late")
        late.connect(dev)
        late.paho.subscribe(RETAINED, 1)
        late.wait(lambda: "retained" in late.got)
        late.leave()
