"""MQTT.js in Node.js, driven through its standard input and output."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Literal

from tests.clients.connection import PATIENCE, Connection
from tests.clients.needs import needs
from tests.clients.server import Server


class MqttJsConnection(Connection):
    """Connects over WebSocket, with its token in the query string, as in a browser."""

    def __init__(self, server: Server, client_id: str, token: str, *, version: Literal[4, 5], secure: bool) -> None:
        super().__init__()
        node = needs("mqtt.js")
        host = f"wss://{server.host}:{server.tls_port}" if secure else f"ws://{server.host}:{server.port}"
        options = {"clientId": client_id, "protocolVersion": version} | ({"caPath": str(server.ca)} if secure else {})
        url = f"{host}/mqtt?x-amz-customauthorizer-name=chat&token={token}"
        script = Path(__file__).parent / "mqtt_js_node.mjs"
        self._process = subprocess.Popen(
            [node, str(script), url, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.happened(*json.loads(line))

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        self._say("subscribe", topic_filter)

    def publish(self, topic: str, payload: str) -> None:
        """Publish with QoS 1."""
        self._say("publish", topic, payload)

    def _say(self, *command: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the connection and the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._reader.join()
        self._process.stdout.close()
