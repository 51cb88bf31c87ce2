"""A function that hangs refuses its own clients and stops no other client."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.local.harness.channels import PATIENCE
from tests.local.harness.function import Event, allow
from tests.local.harness.running import Running, started

pytestmark = pytest.mark.slow


@pytest.fixture
def release() -> Iterator[Future[None]]:
    """Whoever waits for it hangs until the end of the test."""
    found: Future[None] = Future()
    yield found
    if not found.done():
        found.set_result(None)


def test_a_hanging_invocation_refuses_only_its_own_client(folder: Path, release: Future[None]) -> None:
    def answer(event: Event) -> object:
        if "hang" in str(event):
            release.result()
        return allow()

    with started(folder, function_timeout=1) as running:
        running.function.answer = answer
        with running.connected("other") as other, running.client() as client:
            client.channel.send(connect_bytes("hang"))
            for number in range(5):
                running.connected(f"another-{number}")
            other.ping()
            assert [packet.__class__.__name__ for packet in client.ends()] == ["Connack"]
            running.record("decision", client_id="hang", allowed=False, reason="function_timeout")
            other.ping()
        release.set_result(None)


def connect_bytes(client_id: str) -> bytes:
    name = client_id.encode()
    body = b"\0\4MQTT\4\2\0\x3c" + len(name).to_bytes(2) + name
    return b"\x10" + bytes((len(body),)) + body


def test_a_core_stops_while_a_function_hangs(folder: Path, release: Future[None]) -> None:
    with started(folder) as running:
        running.function.answer = lambda _: release.result()
        running.plain().send(connect_bytes("hang"))
        running.function.events.get(timeout=PATIENCE)
    release.set_result(None)


def test_five_seconds_is_the_limit_of_iot_core(running: Running) -> None:
    assert running.core.configuration.environments.timeout == 5
