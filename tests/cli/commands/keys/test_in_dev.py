"""`dev` verifies signatures with the configured keys, and takes changes of them without a restart."""

import os
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import IO
from urllib.parse import quote

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.cli.conftest import Run
from tests.cli.dev import Dev

pytestmark = pytest.mark.slow

PATIENCE = 20


@pytest.fixture
def lines() -> Iterator[tuple[IO[str], int]]:
    """A pipe for standard error: its lines to read, and the file descriptor to write to."""
    reader, writer = os.pipe()
    with os.fdopen(reader) as lines:
        yield lines, writer


class Clients:
    """Clients of one principal, each with its own client ID."""

    def __init__(self, dev: Dev, token: str) -> None:
        self._dev = dev
        self._token = token
        self._count = 0

    def connects_with(self, signature: str) -> bool:
        """Whether IoT Core accepts a client with this signature of the token."""
        self._count += 1
        answers: SimpleQueue[ReasonCode] = SimpleQueue()
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, f"ann/{self._count}", protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        client.on_connect = lambda _client, _userdata, _flags, reason, _properties: answers.put(reason)
        signed = f"x-amz-customauthorizer-signature={quote(signature, safe='')}"
        client.username_pw_set(f"?x-amz-customauthorizer-name=chat&token={self._token}&{signed}")
        client.connect("127.0.0.1", self._dev.port)
        client.loop_start()
        try:
            return not answers.get(timeout=PATIENCE).is_failure
        finally:
            client.disconnect()
            client.loop_stop()


def test_both_keys_verify_after_a_rotation_and_a_retired_key_does_not(
    folder: Path, run: Run, lines: tuple[IO[str], int]
) -> None:
    shown, writer = lines

    def typed(*arguments: str) -> str:
        """Runs a command, waits until `dev` has reloaded, and returns the output."""
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        if arguments[0] == "keys":
            assert shown.readline() == "reloaded authorizer.toml and the files that it names\n"
        return done.stdout.strip()

    assert run("keys", "new", "old").returncode == 0
    token = typed("token", "--principal", "ann")
    by_old = typed("sign", token)
    with Dev(folder, "--quiet", errors=writer) as dev:
        os.close(writer)
        clients = Clients(dev, token)
        assert clients.connects_with(by_old)
        assert not clients.connects_with(typed("sign", f"{token}x"))
        typed("keys", "rotate", "new")
        by_new = typed("sign", token)
        assert [clients.connects_with(signature) for signature in (by_old, by_new)] == [True, True]
        typed("keys", "retire", "old", "--yes")
        assert [clients.connects_with(signature) for signature in (by_old, by_new)] == [False, True]


def test_the_first_key_turns_signing_on_without_a_restart(folder: Path, run: Run, lines: tuple[IO[str], int]) -> None:
    shown, writer = lines
    token = run("token", "--principal", "ann").stdout.strip()
    with Dev(folder, "--quiet", errors=writer) as dev:
        os.close(writer)
        clients = Clients(dev, token)
        assert clients.connects_with("AAAA")
        run("keys", "new", "first")
        assert shown.readline() == "reloaded authorizer.toml and the files that it names\n"
        signature = run("sign", token).stdout.strip()
        assert [clients.connects_with(each) for each in ("AAAA", signature)] == [False, True]
