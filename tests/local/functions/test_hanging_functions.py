"""A function that hangs refuses its own clients and stops no other client."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.local.harness.channels import PATIENCE
from tests.local.harness.function import Event, allow
from tests.local.harness.running import CONFIGURATION, UNLIMITED, Running, started

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


SLOW = "import time\n\ndef lambda_handler(event, context):\n    time.sleep(1)\n    return {answer!r}\n"
ENDLESS = """
import os

def lambda_handler(event, context):
    does = event["protocolData"]["mqtt"]["clientId"]
    if does == "hangs":
        while True:
            pass
    if does == "exits":
        os._exit(1)
    return {answer!r}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[LocalIotCore]]:
    """Runs a core with a handler of this source."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "authorizer.toml").write_text(CONFIGURATION)

    @contextmanager
    def own(source: str, **options: object) -> Iterator[LocalIotCore]:
        (tmp_path / "own.py").write_text(source.replace("{answer!r}", repr(allow())))
        core = LocalIotCore(handler="own.lambda_handler", limits=UNLIMITED, **options)  # type: ignore[arg-type]
        with core:
            core.call(lambda: core.authorizers.set_default("chat"))
            yield core

    return own


Own = Callable[..., AbstractContextManager[LocalIotCore]]


def test_forty_slow_handlers_run_at_once(own: Own) -> None:
    with own(SLOW) as core, Running.around_core(core) as running:
        channels = [running.plain() for _ in range(40)]
        for number, channel in enumerate(channels):
            channel.send(connect_bytes(f"slow-{number}"))
        assert {channel.receive() for channel in channels} == {b"\x20\x02\0\0"}


def test_a_handler_that_never_returns_or_exits_is_ended_in_an_isolated_environment(own: Own) -> None:
    with own(ENDLESS, in_process=False, function_timeout=2) as core, Running.around_core(core) as running:
        for client_id, reason in (("hangs", "function_timeout"), ("exits", "function_error")):
            running.plain().send(connect_bytes(client_id))
            record = running.record("decision", client_id=client_id, allowed=False, reason=reason)
            assert "--in-process" not in record["detail"]
        running.plain().send(connect_bytes("ann"))
        running.record("decision", client_id="ann", allowed=True)


def test_an_event_that_waits_for_busy_environments_is_not_blamed(own: Own) -> None:
    with (
        own(SLOW.replace("sleep(1)", "sleep(3)"), concurrency=1, function_timeout=0.5) as core,
        Running.around_core(core) as running,
    ):
        for client_id, reason in (("slow", "function_timeout"), ("waits", "environments_busy")):
            running.plain().send(connect_bytes(client_id))
            running.record("decision", client_id=client_id, allowed=False, reason=reason)
