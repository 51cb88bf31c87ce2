"""curl: publishing over HTTP and HTTPS, authorized by the custom authorizer."""

import subprocess
from urllib.parse import quote

import pytest

from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.presence import Watcher
from tests.clients.server import CLAIMS, ROOM, Server

NAME = "x-amz-customauthorizer-name"


def publish(server: Server, topic: str, payload: str, *arguments: str, query: str = "") -> str:
    """Publishes over HTTPS; gives the HTTP status."""
    url = f"{server.tls_url}/topics/{quote(topic, safe='')}?qos=1{query}"
    silent = ["--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}"]
    command = [needs("curl"), *silent, "--cacert", str(server.ca), "--data-binary", payload, *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


def room(principal: str) -> str:
    """The topic that a principal may publish to."""
    return f"rooms/{ROOM}/say/{principal}"


def test_a_token_in_a_header_publishes(server: Server, watcher: Watcher) -> None:
    header = f"token: {server.token('header')}"
    assert publish(server, room("header"), "by header", "-H", f"{NAME}: chat", "-H", header) == "200"
    assert watcher.said(room("header")) == "by header"


def test_a_bearer_token_publishes(server: Server, watcher: Watcher) -> None:
    bearer = f"Authorization: Bearer {server.token('bearer')}"
    assert publish(server, room("bearer"), "by bearer", "-H", f"{NAME}: chat", "-H", bearer) == "200"
    assert watcher.said(room("bearer")) == "by bearer"


def test_a_token_in_the_query_string_publishes(server: Server, watcher: Watcher) -> None:
    query = f"&{NAME}=chat&token={server.token('query')}"
    assert publish(server, room("query"), "by query", query=query) == "200"
    assert watcher.said(room("query")) == "by query"


def test_a_forged_token_is_refused(server: Server) -> None:
    forged = f"token: {server.forged_token('ann')}"
    assert publish(server, room("ann"), "never", "-H", f"{NAME}: chat", "-H", forged) == "401"


def test_a_token_that_has_expired_is_refused(server: Server) -> None:
    expired = f"token: {server.token('ann', CLAIMS, -60)}"
    assert publish(server, room("ann"), "never", "-H", f"{NAME}: chat", "-H", expired) == "401"


@pytest.mark.parametrize("topic", [room("bob"), "rooms/attic/say/ann"])
def test_a_forbidden_topic_is_refused(server: Server, topic: str) -> None:
    token = f"token: {server.token('ann')}"
    assert publish(server, topic, "not me", "-H", f"{NAME}: chat", "-H", token) == "403"
