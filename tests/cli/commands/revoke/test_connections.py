"""Endpoints that are slow, hostile, or not an IoT Core."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from iot_authorizer_cli import dev_endpoint
from iot_authorizer_cli.commands.revoke import options
from iot_authorizer_cli.commands.revoke.connections import Ending, LocalConnectionApi, end_all
from iot_authorizer_cli.dev_endpoint import OperationFailed
from tests.cli.commands.revoke.endpoints import Endpoint, answering, dripping
from tests.cli.commands.revoke.running import revoke

AT_ONCE = 0.2
"""Seconds of patience, for answers that never come."""


@pytest.fixture
def all_connected() -> Iterator[Endpoint]:
    """Answers that each client is connected."""
    with answering(b'{"connected": true}') as endpoint:
        yield endpoint


@pytest.mark.parametrize("every", [None, 0.01], ids=["hangs", "drips"])
def test_an_answer_that_never_ends_has_a_time_limit(every: float | None) -> None:
    with dripping(every) as url:
        found = end_all(LocalConnectionApi(url), ["ann", "bea"], patience=AT_ONCE)
    assert (found.not_asked, found.failed, str(found.unreachable)) == (
        ("ann", "bea"),
        (),
        "no complete answer within 0.2s",
    )


def test_a_silent_endpoint_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_endpoint, "_SOCKET_TIMEOUT", AT_ONCE)
    with dripping(None) as url:
        found = end_all(LocalConnectionApi(url), ["ann", "bea"], patience=60)
    assert (found.not_asked, found.failed, str(found.unreachable)) == (("ann", "bea"), (), f"{url}: no answer")


@pytest.mark.parametrize(
    "content",
    [b"[" * 60_000, b"{}", b"", b"[]", b"nonsense", b'{"connected": "yes"}', b'{"connected": null}', b"\xff"],
    ids=lambda content: repr(content[:20]),
)
def test_an_answer_that_does_not_say_whether_a_client_is_connected_is_an_error(content: bytes) -> None:
    with answering(content) as endpoint, pytest.raises(OperationFailed, match="it is not iot-authorizer dev"):
        LocalConnectionApi(endpoint.url).is_connected("ann")


def test_an_answer_that_is_too_large_is_an_error() -> None:
    content = b'{"connected": false}' + b" " * 100_000
    with answering(content) as endpoint, pytest.raises(OperationFailed, match="answers 200, and is not iot-authorizer"):
        LocalConnectionApi(endpoint.url).is_connected("ann")


@pytest.mark.parametrize("every", [None, 0.01], ids=["hangs", "drips"])
def test_an_endpoint_that_does_not_answer_is_asked_once_and_the_exit_code_is_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, every: float | None
) -> None:
    monkeypatch.setattr(options, "_PATIENCE", AT_ONCE)
    with dripping(every) as url:
        monkeypatch.setattr(options, "DEV", url)
        done = revoke(folder, "principal", "ann", "--client-id", "ann/1", "--json")
    connections = json.loads(done.stdout)["connections"]
    assert (done.returncode, connections["not_asked"], connections["failed"]) == (1, ["ann/1", "ann"], {})
    assert done.stderr.splitlines()[-1].endswith("revoked, but no connection was ended: no complete answer within 0.2s")


def test_all_questions_have_half_a_minute_and_a_second_for_each_client_id(all_connected: Endpoint) -> None:
    names = [f"pump-{number}" for number in range(10)]
    seconds = count(step=15)
    found = end_all(LocalConnectionApi(all_connected.url), names, patience=60, clock=lambda: next(seconds))
    assert (found.ended, found.not_asked) == (("pump-0", "pump-1"), tuple(names[2:]))


def test_connections_that_were_ended_before_a_failure_are_reported(folder: Path) -> None:
    class Dying(LocalConnectionApi):
        def is_connected(self, client_id: str) -> bool:
            return client_id == "a" or LocalConnectionApi("http://127.0.0.1:1").is_connected(client_id)

        def end(self, client_id: str) -> bool:
            return True

    found = end_all(Dying("http://127.0.0.1:1"), ["a", "b", "c"], patience=60)
    assert (found.ended, found.not_asked) == (("a",), ("b", "c"))


@pytest.mark.slow
def test_a_client_that_stays_connected_was_not_locked_out(folder: Path, all_connected: Endpoint) -> None:
    done = revoke(folder, "principal", "ann", "--endpoint-url", all_connected.url, "--data", "elsewhere", "--json")
    assert (done.returncode, json.loads(done.stdout)["connections"]["still_allowed"]) == (1, ["ann"])
    assert done.stderr.splitlines()[-1] == (
        "iot-authorizer: ann connected again: the authorizer there does not look up this revocation: it was written to "
        "elsewhere/identities.sqlite, and answers are cached for 0s (check --table, --data and --config)"
    )


@pytest.mark.slow
def test_a_client_that_connects_again_can_have_a_newer_token(folder: Path, all_connected: Endpoint) -> None:
    done = revoke(folder, "principal", "ann", "--issued-before", "now", "--endpoint-url", all_connected.url)
    assert "ann connected again: with a newer token, or the authorizer there does not" in done.stderr
    assert done.returncode == 0


def test_with_no_wait_nothing_is_said_about_clients_that_connect_again(folder: Path, all_connected: Endpoint) -> None:
    done = revoke(folder, "principal", "ann", "--endpoint-url", all_connected.url, "--no-wait")
    assert (done.returncode, done.stderr.count("connected again")) == (0, 0)


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ([], ""),
        (["--clean-session"], "?cleanSession=true"),
        (["--no-will"], "?preventWillMessage=true"),
        (["--clean-session", "--no-will"], "?cleanSession=true&preventWillMessage=true"),
    ],
    ids=" ".join,
)
def test_the_options_say_how_a_connection_ends(
    folder: Path, all_connected: Endpoint, given: list[str], query: str
) -> None:
    revoke(folder, "principal", "ann", "--endpoint-url", all_connected.url, "--no-wait", *given)
    assert all_connected.asked == ["GET /connections/ann", f"DELETE /connections/ann{query}"]


@pytest.mark.parametrize(("ending", "asked"), [(Ending(), 1), (Ending(clean_session=True), 2)])
def test_with_clean_session_a_session_without_a_connection_ends(ending: Ending, asked: int) -> None:
    with answering(b'{"connected": false}') as endpoint:
        found = end_all(
            LocalConnectionApi(endpoint.url, ending), ["ann"], patience=60, also_sessions=ending.clean_session
        )
        assert (len(endpoint.asked), found.not_connected) == (asked, ("ann",))
