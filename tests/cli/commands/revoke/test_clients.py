"""Real clients of `iot-authorizer dev` whose principals and tokens are revoked."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from iot_authorizer_cli.project.development_issuer import ISSUER
from tests.cli.commands.revoke.running import connect, lock_out, revoke, undo, verdict
from tests.clients.presence import Watcher
from tests.clients.server import CLAIMS, Server


def an_hour_ago() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def test_a_revoked_principal_is_disconnected_at_once_and_cannot_connect_again(server: Server, watcher: Watcher) -> None:
    token = server.token("bea")
    with connect(server, "bea", token) as client:
        assert client.next().kind == "connected"
        done = lock_out(server, "principal", "bea", "--client-id", "bea/1")
        assert client.next() == ("ended", "Administrative action")
        assert watcher.disconnect_reason("bea") == "API_INITIATED_DISCONNECT"
    with connect(server, "bea", token) as client:
        assert client.next().kind == "refused"
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "revoked        principal bea",
            "until          it is undone",
            "table          data/identities.sqlite",
            "ended          bea",
            "not connected  bea/1",
            "not looked up  bea/*, displays/{claims.display}",
            "over HTTPS     refused within 5s; with caching_for_http, within 30m 5s",
        ],
    )


def test_other_principals_stay_connected(server: Server) -> None:
    with connect(server, "dan", server.token("dan")) as other:
        assert other.next().kind == "connected"
        other.subscribe("rooms/lobby/#")
        assert other.next() == ("subscribed", "")
        lock_out(server, "principal", "dana")
        other.publish("rooms/lobby/say/dan", "still here")
        assert other.next() == ("message", "rooms/lobby/say/dan\nstill here")


@pytest.mark.slow
def test_a_principal_can_connect_again_after_undo(server: Server) -> None:
    lock_out(server, "principal", "eve")
    before = verdict(server, "eve")
    done = undo(server, "principal", "eve")
    assert (before, done.stdout, verdict(server, "eve")) == ("refused", "undone  principal eve\n", "connected")


def test_a_given_client_id_is_disconnected(server: Server, watcher: Watcher) -> None:
    with connect(server, "fay/phone 1", server.token("fay")) as client:
        assert client.next().kind == "connected"
        lock_out(server, "principal", "fay", "--client-id", "fay/phone 1")
        assert watcher.disconnect_reason("fay/phone 1") == "API_INITIATED_DISCONNECT"


def test_unknown_client_ids_are_reported_with_the_option_that_ends_them(server: Server) -> None:
    assert lock_out(server, "principal", "gus").stderr == (
        "iot-authorizer: IoT Core cannot list connections: clients connected as gus/*, displays/{claims.display} stay "
        "connected until their next refresh, within 30m 5s; --client-id disconnects them now\n"
    )


def test_other_tokens_of_the_same_principal_are_accepted(server: Server) -> None:
    lock_out(server, "token", "--id", "ida-1", "--issuer", ISSUER)
    verdicts = [verdict(server, "ida", {**CLAIMS, "jti": each}) for each in ("ida-1", "ida-2")]
    assert verdicts == ["refused", "connected"]


def test_revoking_a_token_ends_no_connection_of_its_subject(server: Server) -> None:
    """A token is not verified here, so a forged one could name any principal."""
    token = server.token("eva", {**CLAIMS, "jti": "eva-1"})
    with connect(server, "eva", token) as client:
        assert client.next().kind == "connected"
        lock_out(server, "token", "-", typed=f"{token}\n")
        client.subscribe("rooms/lobby/#")
        assert client.next() == ("subscribed", "")
    with connect(server, "eva", token) as client:
        assert client.next().kind == "refused"


def test_a_tokens_revocation_never_expires_by_itself_because_the_token_may_live_longer(server: Server) -> None:
    text = lock_out(server, "token", "--id", "jan-1", "--issuer", ISSUER, "--json").stdout
    assert json.loads(text)["revoked"]["expires_at"] is None


def test_newer_tokens_of_a_principal_are_accepted(server: Server) -> None:
    lock_out(server, "principal", "kim", "--issued-before", an_hour_ago())
    assert verdict(server, "kim") == "connected"


def test_tokens_from_before_now_are_refused(server: Server) -> None:
    token = server.token("leo")
    lock_out(server, "principal", "leo", "--issued-before", "now")
    with connect(server, "leo", token) as client:
        assert client.next().kind == "refused"


@pytest.fixture
def undone_afterwards(server: Server) -> Iterator[None]:
    yield
    undo(server, "before")
    undo(server, "before", "--issuer", ISSUER)


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], "refused"), (["--issuer", ISSUER], "refused"), (["--issuer", "https://other"], "connected")],
    ids=["all", "its issuer", "another issuer"],
)
def test_all_tokens_from_before_a_time_are_refused(
    server: Server, undone_afterwards: None, options: list[str], expected: str
) -> None:
    token = server.token("mia")
    lock_out(server, "before", "now", "--yes", *options)
    with connect(server, "mia", token) as client:
        assert client.next().kind == expected


def test_connections_of_all_tokens_cannot_be_looked_up(server: Server, undone_afterwards: None) -> None:
    assert lock_out(server, "before", an_hour_ago(), "--yes").stderr == (
        "iot-authorizer: IoT Core cannot list connections: clients with such a token stay connected until their next "
        "refresh, within 30m 5s; --client-id disconnects them now\n"
    )


@pytest.mark.slow
def test_it_says_how_long_it_looks_for_clients_that_connect_again(server: Server) -> None:
    done = revoke(server.folder, "principal", "ned", "--data", "data", "--endpoint-url", server.url)
    assert re.search(
        r"answers for 0s: looking for 5s whether clients connect again \(--no-wait skips this\)\n", done.stderr
    ), done.stderr
