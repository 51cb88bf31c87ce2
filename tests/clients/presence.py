"""Why connections ended, as IoT Core's presence events say it."""

import json
from collections import defaultdict
from queue import SimpleQueue
from typing import Self

from paho.mqtt.enums import MQTTProtocolVersion

from tests.clients.connection import PATIENCE
from tests.clients.paho_client import PahoConnection
from tests.clients.server import Server

_DISCONNECTED = "$aws/events/presence/disconnected/"


class Watcher(PahoConnection):
    """Subscribed to all disconnections and all rooms, for as long as a token can live."""

    def __init__(self, server: Server) -> None:
        self._seen: defaultdict[str, SimpleQueue[str]] = defaultdict(SimpleQueue)
        token = server.token("watcher", {"role": "watcher"}, 86_400)
        super().__init__(server, "watcher", token, version=MQTTProtocolVersion.MQTTv5, transport="tcp")

    def __enter__(self) -> Self:
        assert self.next().kind == "connected"
        for topic_filter in (f"{_DISCONNECTED}#", "rooms/#"):
            self.subscribe(topic_filter)
            assert self.next() == ("subscribed", "")
        return self

    def happened(self, kind: str, words: object = "") -> None:
        """Sorts messages by their topics."""
        if kind != "message":
            super().happened(kind, words)
            return
        topic, _, payload = str(words).partition("\n")
        self._seen[topic].put(payload)

    def said(self, topic: str) -> str:
        """The next message on a topic of a room, which should be one test's own."""
        return self._seen[topic].get(timeout=PATIENCE)

    def heard(self, topic: str) -> bool:
        """Whether a message has come on a topic of a room, and nobody has read it yet."""
        return not self._seen[topic].empty()

    def disconnect_reason(self, client_id: str) -> str:
        """Why a client's connection ended: waits until it has."""
        event = json.loads(self._seen[_DISCONNECTED + client_id].get(timeout=PATIENCE))
        reason: str = event["disconnectReason"]
        return reason
