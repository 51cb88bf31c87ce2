"""The session and the Will of a client whose connection `revoke` ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from urllib.error import HTTPError
from urllib.request import urlopen

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.cli.commands.revoke.running import lock_out
from tests.clients.connection import PATIENCE
from tests.clients.presence import Watcher
from tests.clients.server import Server


@contextmanager
def with_session_and_will(server: Server, name: str) -> Iterator[None]:
    """A connected client of MQTT 3.1.1 with a persistent session and a Will."""
    connected: SimpleQueue[bool] = SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean_session=False, reconnect_on_failure=False)
    client.username_pw_set(f"?x-amz-customauthorizer-name=chat&token={server.token(name)}")
    client.will_set(f"rooms/lobby/say/{name}", "gone", 1)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: connected.put(not reason.is_failure)
    client.connect(server.host, server.port)
    client.loop_start()
    try:
        assert connected.get(timeout=PATIENCE)
        yield
    finally:
        client.disconnect()
        client.loop_stop()


def has_session(server: Server, name: str) -> bool:
    try:
        with urlopen(f"{server.url}/connections/{name}") as answer:
            return not json.load(answer)["cleanSession"]
    except HTTPError as error:
        with error:
            return error.code != 404


@pytest.mark.parametrize(("given", "stays"), [([], True), (["--clean-session"], False)], ids=["stays", "ends"])
def test_a_session_ends_with_clean_session_and_its_will_is_published(
    server: Server, watcher: Watcher, given: list[str], stays: bool
) -> None:
    name = f"ola-{stays}"
    with with_session_and_will(server, name):
        lock_out(server, "principal", name, *given)
        assert watcher.said(f"rooms/lobby/say/{name}") == "gone"
        watcher.disconnect_reason(name)
    assert has_session(server, name) is stays


def test_clean_session_ends_a_session_without_a_connection(server: Server, watcher: Watcher) -> None:
    with with_session_and_will(server, "oli"):
        pass
    watcher.disconnect_reason("oli")
    before = has_session(server, "oli")
    lock_out(server, "principal", "oli", "--clean-session")
    assert (before, has_session(server, "oli")) == (True, False)


def test_with_no_will_the_will_is_not_published(server: Server, watcher: Watcher) -> None:
    with with_session_and_will(server, "pat"):
        lock_out(server, "principal", "pat", "--no-will")
        watcher.disconnect_reason("pat")
    with with_session_and_will(server, "pat-2"):  # Its Will is published later.
        lock_out(server, "principal", "pat-2")
        assert watcher.said("rooms/lobby/say/pat-2") == "gone"
    assert not watcher.heard("rooms/lobby/say/pat")
