"""Messages and subscriptions of a client on the page: the first ones, retained ones, and after connecting again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from iot_authorizer_cli.local_iot_core import LocalIotCore
from tests.cli.console.conftest import MUTE, Console, Open, authorizer, choose, launch


@pytest.fixture
def fleet(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core for devices and their operators."""
    yield from authorizer(folder, "fleet.toml", (folder / "authorizer.toml").read_text().replace("chat", "fleet"))


def switch_to_bob(console: Console) -> None:
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    console.a.sign_in("bob, moderator")


@pytest.fixture
def unheard(folder: Path) -> Iterator[LocalIotCore]:
    """IoT Core with a topic that a client may publish to and not receive."""
    (folder / "unheard.toml").write_text(
        '[[grant]]\nconnect = ["{principal}"]\npublish = ["open/x"]\nsubscribe = ["open/+"]\n'
        '[[deny]]\nname = "quiet"\nsubscribe = ["open/x"]\n'
    )
    text = 'name = "unheard"\npolicy = "unheard.toml"\n[anonymous]\nprincipal = "guest"\n'
    yield from authorizer(folder, "unheard-authorizer.toml", text)


def test_a_message_arrives_in_another_browser_and_at_the_other_client(
    playwright: Playwright, console: Console, core_url: str
) -> None:
    other_browser = launch(playwright)
    other = Console(other_browser.new_page(), core_url)
    console.a.sign_in("ann")
    console.b.sign_in("bob, moderator")
    for card in (other.a, console.a):
        if card is other.a:
            card.sign_in("ann")
        card.subscribe("rooms/lobby/#")
    console.b.publish("rooms/lobby/say/bob", "hello from bob")
    for card in (other.a, console.a):
        expect(card.messages.filter(has_text="hello from bob")).to_contain_text("rooms/lobby/say/bob")
    other_browser.close()


def test_the_fields_are_filled_in_for_a_first_message(console: Console) -> None:
    console.a.connect()
    console.a.press("Subscribe")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("rooms/lobby/say/ann")


def test_the_first_steps_name_the_principals_own_topic(console: Console) -> None:
    steps = console.b.root.get_by_role("list", name="First steps").get_by_role("listitem")
    expect(steps.nth(2)).to_have_text("Publish to rooms/lobby/say/bob.")


def test_a_device_and_its_operator_receive_each_others_suggested_messages(
    fleet: LocalIotCore, open_console: Open
) -> None:
    console = open_console(fleet.console_url)
    for card in (console.a, console.b):
        card.connect()
        card.press("Subscribe")
        expect(card.subscriptions).to_have_count(1)
    console.a.press("Publish")
    expect(console.b.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/telemetry/")
    console.b.press("Publish")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("devices/pump-7/commands/ann")


def test_a_retained_message_is_marked_as_such(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.root.get_by_label("retain").check()
    console.a.publish("rooms/lobby/topic", "a retained topic")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    console.b.sign_in("bob, moderator")
    console.b.subscribe("rooms/lobby/topic")
    expect(console.b.messages.first).to_contain_text("QoS 1retain")


def test_nothing_arrives_after_unsubscribing_nor_after_connecting_again(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.subscribe("rooms/lobby/say/bob")
    console.a.press("Unsubscribe from rooms/lobby/#")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.publish("rooms/lobby/say/ann", "into the void")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    expect(console.a.messages).to_have_count(1)
    console.a.press("Disconnect")
    console.a.connect()
    expect(console.a.subscriptions).to_contain_text("rooms/lobby/say/bob")
    expect(console.a.subscriptions).to_have_count(1)


def test_the_same_client_is_subscribed_again(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish(MUTE)
    expect(console.a.state).to_have_text("closed: refused")
    expect(console.a.subscriptions).to_have_count(0)
    console.a.connect()
    expect(console.a.subscriptions).to_contain_text("rooms/lobby/#")
    console.a.publish("rooms/lobby/say/ann", "still here")
    expect(console.a.messages.filter(has_text="↓")).to_contain_text("still here")


def test_another_principal_starts_without_subscriptions_and_messages(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.publish("users/ann/outbox")
    expect(console.a.messages).to_have_count(1)
    switch_to_bob(console)
    expect(console.a.subscriptions).to_have_count(0)
    expect(console.a.messages).to_have_count(0)


def test_a_message_that_only_its_sender_may_not_receive_is_delivered(unheard: LocalIotCore, open_console: Open) -> None:
    console = open_console(unheard.console_url)
    choose(console, "minted")
    console.a.fill("Principal", "ann")
    console.a.connect()
    console.a.subscribe("open/+")
    console.a.publish("open/x")
    expect(console.a.refusal).to_contain_text("Denied receive open/x")
    expect(console.a.messages.first).to_contain_text("acknowledged")
    expect(console.a.messages.first).not_to_contain_text("not delivered")
