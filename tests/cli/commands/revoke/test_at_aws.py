"""`iot-authorizer revoke --table NAME`: a table in DynamoDB, and connections that boto3 asks AWS for."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from iot_authorizer_cli.app import app
from iot_authorizer_cli.commands.revoke import options as revoke_options
from iot_identities.dynamodb_table import DynamoDbTable
from iot_identities.revocations import principal_id
from tests.cli.commands.revoke.endpoints import answering, dripping
from tests.cli.commands.revoke.running import connect
from tests.cli.dev import PROGRAM
from tests.clients.presence import Watcher
from tests.clients.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def forbidding() -> Iterator[str]:
    """The URL of an IoT Core that forbids each operation."""
    with answering(b'{"message": "Forbidden"}', 403, "ForbiddenException") as endpoint:
        yield endpoint.url


Revoke = Callable[..., Result]


def run(*arguments: str) -> Result:
    """Runs `iot-authorizer revoke` in this process, where the table has the time limits of tests."""
    return CliRunner().invoke(app, ["revoke", *arguments])


@pytest.fixture
def revoke(dynamodb_name: str, server: Server) -> Revoke:
    """Revokes a principal at an endpoint, or at the account's own one; looks once unless `wait`."""

    def revoke(name: str, url: str | None, *options: str, wait: bool = False) -> Result:
        endpoint = [] if url is None else ["--endpoint-url", url]
        options = options if wait else (*options, "--no-wait")
        return run("principal", name, "--table", dynamodb_name, "--config", str(server.config), *endpoint, *options)

    return revoke


def is_revoked(name: str, principal: str) -> bool:
    return principal_id(principal) in DynamoDbTable(name).read([principal_id(principal)])


def test_a_revocation_is_written_and_the_connection_is_ended(
    dynamodb_name: str, revoke: Revoke, server: Server, watcher: Watcher
) -> None:
    with connect(server, "ann", server.token("ann")) as client:
        assert client.next().kind == "connected"
        done = revoke("ann", server.url, "--client-id", "not-here", "--json")
        assert watcher.disconnect_reason("ann") == "API_INITIATED_DISCONNECT"
    found = json.loads(done.stdout)["connections"]
    assert (found["ended"], found["not_connected"]) == (["ann"], ["not-here"])
    assert (done.exit_code, is_revoked(dynamodb_name, "ann")) == (0, True)


def test_the_accounts_own_endpoint_is_used(
    revoke: Revoke, server: Server, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_IOT", server.url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(server.ca))
    with connect(server, "bob", server.token("bob")) as client:
        assert client.next().kind == "connected"
        revoke("bob", None)
        assert watcher.disconnect_reason("bob") == "API_INITIATED_DISCONNECT"


def test_a_forbidden_operation_is_reported_and_the_exit_code_is_1(
    dynamodb_name: str, revoke: Revoke, forbidding: str
) -> None:
    done = revoke("cat", forbidding)
    assert (done.exit_code, is_revoked(dynamodb_name, "cat")) == (1, True)
    assert "not ended      cat: GetConnection: ForbiddenException\n" in done.stdout


@pytest.mark.parametrize(
    ("given", "query"),
    [
        ([], {"cleanSession": ["false"], "preventWillMessage": ["false"]}),
        (["--clean-session", "--no-will"], {"cleanSession": ["true"], "preventWillMessage": ["true"]}),
    ],
    ids=["as usual", "all"],
)
def test_the_options_say_how_a_connection_ends(revoke: Revoke, given: list[str], query: dict[str, list[str]]) -> None:
    with answering(b'{"connected": true}') as endpoint:
        revoke("eva", endpoint.url, *given)
    asked = urlsplit(endpoint.asked[-1])
    assert (asked.path, parse_qs(asked.query)) == ("DELETE /connections/eva", query)


@pytest.mark.parametrize("content", [b"{}", b"[" * 60_000], ids=["silent", "deep"])
def test_an_answer_that_does_not_say_whether_a_client_is_connected_is_an_error(revoke: Revoke, content: bytes) -> None:
    with answering(content) as endpoint:
        assert revoke("eva", endpoint.url).exit_code == 1


def test_an_endpoint_that_never_ends_its_answer_has_a_time_limit(
    revoke: Revoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoke_options, "_PATIENCE_FOR_AWS", 0.2)
    with dripping(0.01) as url:
        done = revoke("eva", url, wait=True)
    assert (done.exit_code, "no connection was ended: no complete answer within 0.2s" in done.stderr) == (1, True)


def test_a_client_that_connects_again_is_reported_with_the_table(dynamodb_name: str, revoke: Revoke) -> None:
    with answering(b'{"connected": true}') as endpoint:
        done = revoke("eva", endpoint.url, wait=True)
    assert (done.exit_code, f"it was written to {dynamodb_name}, and" in done.stderr) == (1, True), done.stderr
    assert re.search(rf"^table +{dynamodb_name}$", done.stdout, re.MULTILINE), done.stdout


def test_a_missing_endpoint_is_reported_and_the_exit_code_is_1(dynamodb_name: str, revoke: Revoke) -> None:
    done = revoke("dan", "http://127.0.0.1:1")
    assert (done.exit_code, is_revoked(dynamodb_name, "dan")) == (1, True)
    assert "revoked, but no connection was ended: Could not connect to the endpoint URL" in done.stderr


def test_it_is_listed_and_undone(dynamodb_name: str, forbidding: str) -> None:
    run("before", "now", "--yes", "--table", dynamodb_name, "--endpoint-url", forbidding, "--no-wait")
    listed = run("list", "--table", dynamodb_name).stdout
    undone = run("undo", "before", "--table", dynamodb_name).stdout
    assert ("all tokens issued before" in listed, undone.startswith("undone  all tokens")) == (True, True)
    assert run("list", "--table", dynamodb_name).stdout == ""


def test_a_missing_table_is_one_line(aws: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(PROGRAM), "revoke", "principal", "ann", "--table", "unknown"],
        cwd=tmp_path,
        env={**os.environ, "AWS_ENDPOINT_URL_DYNAMODB": aws},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("iot-authorizer: DynamoDB: ResourceNotFoundException: check the table's name")
    assert done.stderr.count("\n") == 1
