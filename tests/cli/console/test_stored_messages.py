"""What IoT Core stores, over HTTP and on the page: retained messages, and sessions that wait for their client."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from iot_core.broker.message import Message
from tests.cli.console.conftest import Ask, Console
from tests.local.harness.channels import SocketChannel, connected_to
from tests.local.harness.client import Client

ROOM = "rooms/lobby/say/bob"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder."""
    return tmp_path_factory.mktemp("data")


def started(folder: Path, data: Path) -> LocalIotCore:
    return LocalIotCore(folder / "authorizer.toml", folder=data, limits=IOT_CORE.without_throttling())


@pytest.fixture(scope="module")
def core(folder: Path, data: Path) -> Iterator[LocalIotCore]:
    """IoT Core after a restart: before, messages were retained, and queued for a client that was not connected."""
    with started(folder, data) as core:
        leave_a_session(core, "ann")
        for message in MESSAGES:
            core.call(partial(core.broker.publish, message))
        core.call(core.iot_core.commit)
    with started(folder, data) as core:
        yield core


MESSAGES = [
    Message(ROOM, b"hello", 1),
    Message(ROOM, b"\xff\x00", 1),
    Message("rooms/lobby/topic", "ü".encode() * 300, 1, retain=True),
]


def leave_a_session(core: LocalIotCore, name: str) -> None:
    """Connects a client with a persistent session, subscribes, and disconnects."""
    user_name = f"?x-amz-customauthorizer-name=chat&token={core.token(name, {'rooms': ['lobby']})}"
    with Client(SocketChannel(connected_to(core.port))) as client:
        client.connect(name, user_name=user_name, clean_start=False)
        client.subscribe("rooms/lobby/say/#", 1)
        client.disconnect()
        client.ends()


def test_retained_messages_and_queued_messages_are_there_after_a_restart(ask: Ask) -> None:
    found = json.loads(ask("/console/stored").text)
    [retained], session = found["retained"], found["sessions"][0]
    assert (retained["topic"], retained["payload"], retained["size"]) == ("rooms/lobby/topic", "ü" * 256 + "…", 600)
    assert (session["client_id"], session["topic_filters"]) == ("ann", ["rooms/lobby/say/#"])
    assert session["disconnect_reason"] == "CLIENT_INITIATED_DISCONNECT"
    assert session["ends"] - session["disconnected"] == 3_600_000
    assert [(each["topic"], each["payload"]) for each in session["queued"]] == [(ROOM, "hello"), (ROOM, "ff 00")]


@pytest.mark.slow
def test_the_page_lists_them_and_what_is_stored_meanwhile(console: Console, core: LocalIotCore) -> None:
    console.page.get_by_role("button", name="Stored messages").click()
    dialog = console.page.get_by_role("dialog", name="Stored messages")
    retained = dialog.get_by_role("list", name="Retained messages").get_by_role("listitem")
    expect(retained).to_contain_text(["rooms/lobby/topic"])
    expect(dialog.get_by_role("list", name="Sessions")).to_contain_text("2 queued messages")
    leave_a_session(core, "bob")
    expect(dialog.get_by_role("list", name="Sessions")).to_contain_text("bob 0 queued messages")
    console.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert console.complaints == []
