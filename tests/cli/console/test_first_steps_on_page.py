"""What the page proposes to try first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from iot_core.broker.limits import IOT_CORE
from tests.cli.console.conftest import Console, Open


@pytest.fixture
def fleet(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices and their operators."""
    path = folder / "fleet.toml"
    path.write_text((folder / "authorizer.toml").read_text().replace("chat", "fleet"))
    with LocalIotCore(path, limits=IOT_CORE.without_throttling()) as core:
        yield core


def test_a_step_names_its_own_principals_topic_alone(console: Console) -> None:
    steps = console.b.root.get_by_role("list", name="What to try first").get_by_role("listitem")
    expect(steps.nth(2)).to_have_text("Publish to rooms/lobby/say/bob.")


def test_a_device_and_its_operator_hear_each_other_as_proposed(fleet: LocalIotCore, open_console: Open) -> None:
    console = open_console(fleet.url)
    for card in (console.a, console.b):
        card.connect()
        card.press("Subscribe")
        expect(card.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.b.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/telemetry/")
    console.b.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/commands/ann")
