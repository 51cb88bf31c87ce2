"""Reads from IoT Core's presence events why connections ended."""

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
    """A client that is subscribed to all disconnections and all rooms."""

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
        """Keep messages by topic."""
        if kind != "message":
            super().happened(kind, words)
            return
        topic, _, payload = str(words).partition("\n")
        self._seen[topic].put(payload)

    def said(self, topic: str) -> str:
        """Wait for the next message on a topic. Only one test should use the topic."""
        return self._seen[topic].get(timeout=PATIENCE)

    def heard(self, topic: str) -> bool:
        """Whether an unread message has arrived on a topic."""
        return not self._seen[topic].empty()

    def disconnect_reason(self, client_id: str) -> str:
        """Wait until a client's connection has ended, and return the reason."""
        event = json.loads(self._seen[_DISCONNECTED + client_id].get(timeout=PATIENCE))
        reason: str = event["disconnectReason"]
        return reason
