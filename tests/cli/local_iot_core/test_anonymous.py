"""Clients without credentials, with the authorizer of a project that has `[anonymous]`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.mqtt import ConnectReturnCode, Publish
from tests.cli.conftest import fill
from tests.local.harness.running import Running

CONFIGURATION = """
name = "chat"
policy = "policies/chat.toml"

[anonymous]
principal = "guest"
claims = { rooms = ["lobby"] }
"""
NAME = "x-amz-customauthorizer-name=chat"


@pytest.fixture
def welcoming(tmp_path: Path) -> Iterator[Running]:
    folder = fill(tmp_path)
    (folder / "own.toml").write_text(CONFIGURATION)
    with (
        LocalIotCore(folder / "own.toml", limits=IOT_CORE.without_throttling()) as core,
        Running.around_core(core) as running,
    ):
        yield running


QUERIES = ["&amp;token=x", "&a=b;token=x", "&%74oken=x", "&token=x", "&X-Amz-Security-Token=x"]


@pytest.mark.parametrize("query", QUERIES)
def test_a_client_that_tries_to_send_a_token_is_refused_and_the_feed_says_where_it_is(
    welcoming: Running, query: str
) -> None:
    with welcoming.client(channel=welcoming.web_socket(path=f"/mqtt?{NAME}{query}")) as client:
        assert client.connect("guest", user_name=None).reason_code == ConnectReturnCode.NOT_AUTHORIZED
    record = welcoming.record("decision", action="connect", reason="misplaced_credentials")
    assert record["detail"].startswith("query string: a key like `token`")


def test_a_client_with_a_cookie_is_anonymous_and_the_feed_has_a_hint(welcoming: Running) -> None:
    channel = welcoming.web_socket(path=f"/mqtt?{NAME}", headers=[("Cookie", "token=x")])
    with welcoming.client(channel=channel) as client:
        assert client.connect("guest", user_name=None).reason_code == ConnectReturnCode.ACCEPTED
    record = welcoming.record("decision", action="connect", principal="guest", source="anonymous")
    assert record["hint"].startswith("Cookie header: a key like `token`")


WATCHED = """
name = "chat"
policy = "watched.toml"

[anonymous]
principal = "public"
"""
WATCHERS = """
[[grant]]
when      = { role = "watcher" }
connect   = ["{principal}"]
subscribe = ["$aws/events/presence/connected/#"]
"""


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Running]:
    """The ready template for clients without credentials, and watchers of presence."""
    folder = fill(tmp_path)
    (folder / "own.toml").write_text(WATCHED)
    (folder / "watched.toml").write_text((folder / "policies/public.toml").read_text() + WATCHERS)
    with (
        LocalIotCore(folder / "own.toml", limits=IOT_CORE.without_throttling()) as core,
        Running.around_core(core) as running,
    ):
        yield running


@pytest.mark.parametrize(
    ("topic_filter", "topics"),
    [
        ("$aws/events/presence/connected/#", ["$aws/events/presence/connected/public/1"]),
        ("$aws/events/presence/connected/+", []),
    ],
)
def test_presence_of_a_client_id_with_a_slash_is_below_two_levels(
    watched: Running, topic_filter: str, topics: list[str]
) -> None:
    token = watched.core.token("watcher", {"role": "watcher"})
    with watched.client() as watcher, watched.client() as listener:
        watcher.connect("watcher", user_name=f"?{NAME}&access_token={token}")
        assert watcher.subscribe(topic_filter) == 0
        assert listener.connect("public/1", user_name=f"?{NAME}").reason_code == ConnectReturnCode.ACCEPTED
        watched.record("presence", event="connected", client_id="public/1")
        watcher.disconnect()
        assert [packet.topic for packet in watcher.ends() if isinstance(packet, Publish)] == topics
