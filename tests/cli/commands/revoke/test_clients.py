"""Real clients of a real `iot-authorizer dev`, and who is locked out of it while they are connected."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from iot_authorizer_cli.commands.connect.principal import unverified_claims
from iot_authorizer_cli.project.development_issuer import ISSUER, table_path
from iot_identities.sqlite_table import SqliteTable
from iot_identities.user import User, to_item
from tests.cli.commands.revoke.running import connect, lock_out, revoke, undo, verdict
from tests.clients.presence import Watcher
from tests.clients.server import CLAIMS, Server


def an_hour_ago() -> str:
    return (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def test_a_revoked_principals_connection_is_ended_at_once(server: Server, watcher: Watcher) -> None:
    with connect(server, "ann", server.token("ann")) as client:
        assert client.next().kind == "connected"
        done = lock_out(server, "principal", "ann")
        assert (done.returncode, watcher.disconnect_reason("ann")) == (0, "API_INITIATED_DISCONNECT"), done.stderr


def test_a_revoked_principals_client_is_told_that_it_was_an_administrative_action(server: Server) -> None:
    with connect(server, "abe", server.token("abe")) as client:
        assert client.next().kind == "connected"
        lock_out(server, "principal", "abe")
        assert client.next() == ("ended", "Administrative action")


def test_it_says_what_was_done(server: Server) -> None:
    with connect(server, "bea", server.token("bea")) as client:
        assert client.next().kind == "connected"
        shown = lock_out(server, "principal", "bea", "--client-id", "bea/1").stdout
    assert shown.splitlines() == [
        "revoked        principal bea",
        "until          it is undone",
        "table          data/identities.sqlite",
        "ended          bea",
        "not connected  bea/1",
        "not looked up  bea/*, displays/{claims.display}",
    ]


def test_a_revoked_principal_can_not_come_back(server: Server) -> None:
    token = server.token("cat")
    lock_out(server, "principal", "cat")
    with connect(server, "cat", token) as client:
        assert client.next().kind == "refused"


def test_others_stay_connected(server: Server) -> None:
    with connect(server, "dan", server.token("dan")) as other:
        assert other.next().kind == "connected"
        other.subscribe("rooms/lobby/#")
        assert other.next() == ("subscribed", "")
        lock_out(server, "principal", "dana")
        other.publish("rooms/lobby/say/dan", "still here")
        assert other.next() == ("message", "rooms/lobby/say/dan\nstill here")


def test_a_principal_gets_in_again_once_it_is_undone(server: Server) -> None:
    lock_out(server, "principal", "eve")
    before = verdict(server, "eve")
    done = undo(server, "principal", "eve")
    assert (before, done.stdout, verdict(server, "eve")) == ("refused", "undone  principal eve\n", "connected")


def test_a_client_id_that_the_template_does_not_tell_is_ended_where_it_is_given(
    server: Server, watcher: Watcher
) -> None:
    with connect(server, "fay/phone 1", server.token("fay")) as client:
        assert client.next().kind == "connected"
        lock_out(server, "principal", "fay", "--client-id", "fay/phone 1")
        assert watcher.disconnect_reason("fay/phone 1") == "API_INITIATED_DISCONNECT"


def test_what_nobody_can_look_up_is_said_with_the_option_that_ends_it_and_when_it_ends_else(server: Server) -> None:
    assert lock_out(server, "principal", "gus").stderr == (
        "iot-authorizer: IoT Core lists no connections: what is connected as gus/*, displays/{claims.display} ends "
        "when it is refreshed, within 30m; --client-id ends it now\n"
    )


def test_a_revoked_token_is_refused(server: Server) -> None:
    token = server.token("hal", {**CLAIMS, "jti": "hal-1"})
    lock_out(server, "token", token)
    with connect(server, "hal", token) as client:
        assert client.next().kind == "refused"


def test_other_tokens_of_the_same_principal_are_let_in(server: Server) -> None:
    lock_out(server, "token", "--id", "ida-1", "--issuer", ISSUER)
    verdicts = [verdict(server, "ida", {**CLAIMS, "jti": each}) for each in ("ida-1", "ida-2")]
    assert verdicts == ["refused", "connected"]


def test_a_tokens_connections_end_as_its_claims_have_their_client_ids(server: Server, watcher: Watcher) -> None:
    token = server.token("hall", {"role": "display", "display": "door", "jti": "hall-1"})
    with connect(server, "displays/door", token) as client:
        assert client.next().kind == "connected"
        lock_out(server, "token", "-", typed=f"{token}\n")
        assert watcher.disconnect_reason("displays/door") == "API_INITIATED_DISCONNECT"


def test_stored_claims_do_not_join_a_token_whose_issuer_does_not_take_them(server: Server, watcher: Watcher) -> None:
    """As the authorizer has it: it let the token's client ID in, and no other."""
    SqliteTable(table_path(server.folder / "data")).write(to_item(User("hugo", claims={"display": "gate"})))
    token = server.token("hugo", {"role": "display", "display": "shop", "jti": "hugo-1"})
    with connect(server, "displays/shop", token) as client:
        assert client.next().kind == "connected"
        lock_out(server, "token", "-", typed=f"{token}\n")
        assert watcher.disconnect_reason("displays/shop") == "API_INITIATED_DISCONNECT"


def test_a_tokens_revocation_ends_five_minutes_after_the_token(server: Server) -> None:
    token = server.token("jan", {"jti": "jan-1"})
    claims = unverified_claims(token)
    revoked = json.loads(lock_out(server, "token", token, "--json").stdout)["revoked"]
    assert claims is not None
    assert revoked["expires_at"] - 300 == claims["exp"]


def test_a_principals_tokens_from_after_a_moment_are_let_in(server: Server) -> None:
    lock_out(server, "principal", "kim", "--issued-before", an_hour_ago())
    assert verdict(server, "kim") == "connected"


def test_now_is_a_moment(server: Server) -> None:
    token = server.token("leo")
    lock_out(server, "principal", "leo", "--issued-before", "now")
    with connect(server, "leo", token) as client:
        assert client.next().kind == "refused"


@pytest.fixture
def all_again(server: Server) -> Iterator[None]:
    yield
    undo(server, "before")
    undo(server, "before", "--issuer", ISSUER)


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], "refused"), (["--issuer", ISSUER], "refused"), (["--issuer", "https://other"], "connected")],
    ids=["all", "its issuer", "another issuer"],
)
def test_all_tokens_from_before_a_moment_are_refused(
    server: Server, all_again: None, options: list[str], expected: str
) -> None:
    token = server.token("mia")
    lock_out(server, "before", "now", "--yes", *options)
    with connect(server, "mia", token) as client:
        assert client.next().kind == expected


def test_whose_connections_end_with_all_tokens_is_not_known(server: Server, all_again: None) -> None:
    assert lock_out(server, "before", an_hour_ago(), "--yes").stderr == (
        "iot-authorizer: IoT Core lists no connections: what is connected with such a token ends when it is "
        "refreshed, within 30m; --client-id ends it now\n"
    )


def test_it_says_for_how_long_it_looks_for_who_comes_back(server: Server) -> None:
    done = revoke(server.folder, "principal", "ned", "--data", "data", "--endpoint-url", server.url)
    assert re.search(r"they read for 0s: looking for who comes back for 1s \(not with --no-wait\)\n", done.stderr), (
        done.stderr
    )
