"""Clients without credentials, with the authorizer of a project that has `[anonymous]`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.mqtt import ConnectReturnCode, Properties, Publish, Version
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


SHARED = """
[[grant]]
when         = { role = "public" }
connect      = ["{client_id}"]
connect_with = []
acknowledge  = ["any_client_id"]

[[grant]]
when    = { role = "user" }
connect = ["{principal}"]
"""
PUBLIC = """
name = "chat"
policy = "policy.toml"

[anonymous]
principal = "public"
claims = { role = "public" }
"""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Running]:
    """Clients without credentials may use any client ID, also those of users."""
    (tmp_path / "own.toml").write_text(PUBLIC)
    (tmp_path / "policy.toml").write_text(SHARED)
    with (
        LocalIotCore(tmp_path / "own.toml", limits=IOT_CORE.without_throttling()) as core,
        Running.around_core(core) as running,
    ):
        yield running


PERSISTENT = Properties(session_expiry_interval=60)


def persistent_session_of_ann(running: Running, version: Version) -> bool:
    """Connects ann, who asks for a persistent session: whether there was one."""
    user_name = f"?{NAME}&access_token={running.core.token('ann', {'role': 'user'})}"
    with running.client(version) as ann:
        connack = ann.connect("ann", user_name=user_name, clean_start=False, properties=PERSISTENT)
        assert connack.reason_code == ConnectReturnCode.ACCEPTED
        ann.disconnect()
        ann.ends()
    return connack.session_present


@pytest.mark.parametrize(
    ("version", "clean_start", "properties", "allowed"),
    [
        (Version.MQTT_3_1_1, False, Properties(), False),
        (Version.MQTT_3_1_1, True, Properties(), True),
        (Version.MQTT_5, False, PERSISTENT, False),
        (Version.MQTT_5, True, PERSISTENT, False),
        (Version.MQTT_5, True, Properties(), True),
    ],
)
def test_a_client_with_any_client_id_can_delete_a_session_of_another_and_not_take_it_over(
    shared: Running, version: Version, clean_start: bool, properties: Properties, allowed: bool
) -> None:
    assert not persistent_session_of_ann(shared, version)
    with shared.client(version) as stranger:
        connack = stranger.connect("ann", user_name=f"?{NAME}", clean_start=clean_start, properties=properties)
        assert (connack.reason_code == 0, connack.session_present) == (allowed, False)
        if allowed:
            stranger.disconnect()
    assert persistent_session_of_ann(shared, version) == (not allowed)


def test_an_mqtt_5_client_without_a_session_expiry_takes_over_a_session_which_aws_does_not_document(
    shared: Running,
) -> None:
    assert not persistent_session_of_ann(shared, Version.MQTT_5)
    with shared.client(Version.MQTT_5) as stranger:
        assert stranger.connect("ann", user_name=f"?{NAME}", clean_start=False).session_present


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
