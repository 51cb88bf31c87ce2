"""What a client of the page still has once it connects again."""

from playwright.sync_api import expect

from tests.cli.console.conftest import Console, Open

MUTE = "rooms/lobby/mute/bob"


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


def test_what_was_unsubscribed_stays_so(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.subscribe("rooms/lobby/topic")
    console.a.press("Unsubscribe from rooms/lobby/#")
    expect(console.a.subscriptions).to_have_count(1)
    console.a.press("Disconnect")
    console.a.connect()
    expect(console.a.subscriptions).to_contain_text("rooms/lobby/topic")
    expect(console.a.subscriptions).to_have_count(1)


def test_another_principal_begins_with_no_subscription(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.subscribe("rooms/lobby/#")
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    console.a.sign_in("bob, moderator")
    expect(console.a.subscriptions).to_have_count(0)


def test_another_principal_does_not_see_the_messages_of_the_one_before(console: Console) -> None:
    console.a.sign_in("ann")
    console.a.publish("rooms/lobby/say/ann")
    expect(console.a.messages).to_have_count(1)
    console.a.press("Disconnect")
    console.a.root.get_by_text("Sign in", exact=True).click()
    console.a.sign_in("bob, moderator")
    expect(console.a.messages).to_have_count(0)


def test_a_tab_that_leaves_is_a_lost_connection(open_console: Open) -> None:
    """MQTT.js writes its DISCONNECT a task later, when the page is gone; so it is in any web application."""
    console = open_console()
    console.a.sign_in("ann")
    client_id = console.a.client_id
    console.page.goto("about:blank")
    row = open_console().decisions.filter(has_text="disconnected").filter(has_text=client_id)
    expect(row).to_contain_text("the connection was lost")
