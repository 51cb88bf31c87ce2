"""curl publishes over HTTPS, authorized by the custom authorizer."""

import subprocess
from urllib.parse import quote

import pytest

from tests.clients.connection import PATIENCE
from tests.clients.needs import needs
from tests.clients.presence import Watcher
from tests.clients.server import ROOM, Server

NAME = "x-amz-customauthorizer-name"


def publish(server: Server, topic: str, payload: str, *arguments: str, query: str = "") -> str:
    """Publish over HTTPS and return the HTTP status."""
    url = f"{server.tls_url}/topics/{quote(topic, safe='')}?qos=1{query}"
    silent = ["--silent", "--show-error", "--output", "/dev/null", "--write-out", "%{http_code}"]
    command = [needs("curl"), *silent, "--cacert", str(server.ca), "--data-binary", payload, *arguments, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


def room(principal: str) -> str:
    """The topic that a principal may publish to."""
    return f"rooms/{ROOM}/say/{principal}"


@pytest.mark.parametrize("place", ["header", "bearer", "query"])
def test_a_token_publishes_from_any_place(server: Server, watcher: Watcher, place: str) -> None:
    token, name = server.token(place), ["-H", f"{NAME}: chat"]
    arguments = {"header": [*name, "-H", f"token: {token}"], "bearer": [*name, "-H", f"Authorization: Bearer {token}"]}
    query = f"&{NAME}=chat&token={token}" if place == "query" else ""
    assert publish(server, room(place), f"by {place}", *arguments.get(place, []), query=query) == "200"
    assert watcher.said(room(place)) == f"by {place}"
